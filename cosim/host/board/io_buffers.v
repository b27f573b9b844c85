// Behaviour of Intel's altiobuf_in and altiobuf_out, single-ended. A pin that is not driven reads 0.
module altiobuf_in #(
    parameter enable_bus_hold = "FALSE",
    parameter number_of_channels = 1,
    parameter use_differential_mode = "FALSE"
) (
    input wire [number_of_channels - 1:0] datain,
    output wire [number_of_channels - 1:0] dataout
);
    assign dataout = datain;
endmodule

module altiobuf_out #(
    parameter enable_bus_hold = "FALSE",
    parameter number_of_channels = 1,
    parameter use_differential_mode = "FALSE",
    parameter use_oe = "FALSE"
) (
    input wire [number_of_channels - 1:0] datain,
    input wire [number_of_channels - 1:0] oe,
    output wire [number_of_channels - 1:0] dataout
);
    assign dataout = use_oe == "TRUE" ? datain & oe : datain;
endmodule
