// Behaviour of Intel's cyclonev_mac, a DSP block of the Cyclone V, in the two modes that circuits here use:
//
//     m18x18_full     resulta = ax · ay, resultb = bx · by
//     m18x18_sumof2   resulta = ax · ay + bx · by
//
// Operands are signed and come from the ports; behind the results there is a register on clk[0] (output_clock "0"), or
// none ("none"). az, bz, coefsela and coefselb are not ports here: Quartus refuses them where they are connected and
// not used. Any other setting ends the simulation.
module cyclonev_mac #(
    parameter operation_mode = "m18x18_sumof2",
    parameter ax_width = 16,
    parameter ay_scan_in_width = 16,
    parameter az_width = 1,
    parameter bx_width = 16,
    parameter by_width = 16,
    parameter bz_width = 1,
    parameter result_a_width = 33,
    parameter result_b_width = 1,
    parameter signed_max = "false",
    parameter signed_may = "false",
    parameter signed_mbx = "false",
    parameter signed_mby = "false",
    parameter operand_source_max = "input",
    parameter operand_source_may = "input",
    parameter operand_source_mbx = "input",
    parameter operand_source_mby = "input",
    parameter use_chainadder = "false",
    parameter enable_double_accum = "false",
    parameter ay_use_scan_in = "false",
    parameter by_use_scan_in = "false",
    parameter delay_scan_out_ay = "false",
    parameter delay_scan_out_by = "false",
    parameter preadder_subtract_a = "false",
    parameter preadder_subtract_b = "false",
    parameter ax_clock = "none",
    parameter ay_scan_in_clock = "none",
    parameter bx_clock = "none",
    parameter by_clock = "none",
    parameter output_clock = "none"
) (
    input wire [ax_width - 1:0] ax,
    input wire [ay_scan_in_width - 1:0] ay,
    input wire [bx_width - 1:0] bx,
    input wire [by_width - 1:0] by,
    input wire [2:0] clk,
    input wire [2:0] ena,
    input wire [1:0] aclr,
    output wire [result_a_width - 1:0] resulta,
    output wire [(result_b_width > 0 ? result_b_width : 1) - 1:0] resultb
);
    localparam pair = operation_mode == "m18x18_full";
    localparam registered = output_clock == "0";

    initial
        if (!(pair || operation_mode == "m18x18_sumof2")
            || !(registered || output_clock == "none")
            || ax_width > 18 || bx_width > 18 || ay_scan_in_width > 19 || by_width > 19
            || az_width != 0 || bz_width != 0
            || (pair ? result_a_width > 37 || result_b_width > 37 : result_a_width > 64 || result_b_width != 0)
            || signed_max != "true" || signed_may != "true" || signed_mbx != "true" || signed_mby != "true"
            || operand_source_max != "input" || operand_source_may != "input"
            || operand_source_mbx != "input" || operand_source_mby != "input"
            || use_chainadder != "false" || enable_double_accum != "false"
            || ay_use_scan_in != "false" || by_use_scan_in != "false"
            || delay_scan_out_ay != "false" || delay_scan_out_by != "false"
            || preadder_subtract_a != "false" || preadder_subtract_b != "false"
            || ax_clock != "none" || ay_scan_in_clock != "none" || bx_clock != "none" || by_clock != "none") begin
            $display("cyclonev_mac: a setting that has no model here");
            $finish;
        end

    wire signed [63:0] ax_value = $signed(ax);
    wire signed [63:0] ay_value = $signed(ay);
    wire signed [63:0] bx_value = $signed(bx);
    wire signed [63:0] by_value = $signed(by);
    wire signed [63:0] first = ax_value * ay_value;
    wire signed [63:0] second = bx_value * by_value;
    wire signed [63:0] result = pair ? first : first + second;

    generate
        if (registered) begin : with_register
            reg [63:0] a, b;
            initial begin
                a = 0;
                b = 0;
            end
            always @(posedge clk[0] or posedge aclr[0])
                if (aclr[0]) begin
                    a <= 0;
                    b <= 0;
                end else if (ena[0]) begin
                    a <= result;
                    b <= second;
                end
            assign resulta = a[result_a_width - 1:0];
            assign resultb = b[(result_b_width > 0 ? result_b_width : 1) - 1:0];
        end else begin : without_register
            assign resulta = result[result_a_width - 1:0];
            assign resultb = second[(result_b_width > 0 ? result_b_width : 1) - 1:0];
        end
    endgenerate
endmodule
