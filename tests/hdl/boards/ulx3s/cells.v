// The cells of Lattice's that the board's netlist has, as far as a simulation in cycles needs them.
`timescale 1ns/1ps
module IB(input I, output O);
  assign O = I;
endmodule

module OBZ(input I, input T, output O);
  assign O = T ? 1'bz : I;
endmodule

// The bench's clock is the output's; the lock comes some time after power-up.
module EHXPLLL #(
  parameter CLKI_DIV = 1, CLKFB_DIV = 1, FEEDBK_PATH = "CLKOP", CLKOS_ENABLE = "", CLKOS_DIV = 1, CLKOS_CPHASE = 0,
  parameter CLKOP_ENABLE = "", CLKOP_DIV = 1, CLKOP_CPHASE = 0
) (input CLKI, RST, STDBY, output CLKOP, CLKOS, output reg LOCK);
  assign CLKOP = CLKI, CLKOS = 1'b0;
  initial begin
    LOCK = 0;
    #95 LOCK = 1;
  end
endmodule
