// Behaviour of Intel's altera_std_synchronizer and altera_std_synchronizer_bundle: depth registers behind one another,
// cleared by reset_n at once.
module altera_std_synchronizer #(
    parameter depth = 3
) (
    input wire clk,
    input wire reset_n,
    input wire din,
    output wire dout
);
    reg [depth - 1:0] stages;
    always @(posedge clk or negedge reset_n)
        if (!reset_n) stages <= 0;
        else stages <= {stages[depth - 2:0], din};
    assign dout = stages[depth - 1];
endmodule

module altera_std_synchronizer_bundle #(
    parameter width = 1,
    parameter depth = 3
) (
    input wire clk,
    input wire reset_n,
    input wire [width - 1:0] din,
    output wire [width - 1:0] dout
);
    reg [width * depth - 1:0] stages;
    always @(posedge clk or negedge reset_n)
        if (!reset_n) stages <= 0;
        else stages <= {stages[width * (depth - 1) - 1:0], din};
    assign dout = stages[width * depth - 1:width * (depth - 1)];
endmodule
