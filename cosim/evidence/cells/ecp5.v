// The cells that nextpnr makes of a core on the ECP5, in the modes that occur there. `cosim/evidence/ecp5_gates.py` ties
// what nextpnr leaves open, and refuses every other mode. Written from Lattice's descriptions (FPGA-DS-02012, slices;
// FPGA-TN-02205, sysDSP; FPGA-TN-02204, memories) and Yosys's mapping of memories (0.70, lattice/brams_map_16kd.v).

// A look-up table of four inputs, with its part of a carry chain and of the wider multiplexers; or 16 bits of memory.
module TRELLIS_COMB (
  input A, B, C, D, M, FCI, F1, FXA, FXB, WD, WAD0, WAD1, WAD2, WAD3, WRE, WCK,
  output F, FCO, OFX
);
  parameter MODE = "LOGIC";
  parameter [15:0] INITVAL = 0;
  parameter CCU2_INJECT1 = "NO";
  parameter WIDER = "F1";
  // A run that is started with +fault=FAULT has the other value in bit FAULT_BIT of the table.
  parameter FAULT = 0;
  parameter FAULT_BIT = 0;

  wire [15:0] table_bits;
  generate
    if (FAULT != 0) begin : faulty
      integer on;
      initial if (!$value$plusargs("fault=%d", on)) on = 0;
      assign table_bits = INITVAL ^ (on == FAULT ? 16'd1 << FAULT_BIT : 16'd0);
    end else begin : right
      assign table_bits = INITVAL;
    end
    if (MODE == "DPRAM") begin : memory
      reg [15:0] words = INITVAL;
      always @(posedge WCK) if (WRE) words[{WAD0, WAD2, WAD1, WAD3}] <= WD;
      assign F = words[{D, C, B, A}];
      assign FCO = 1'b0;
    end else begin : logic_table
      wire out = table_bits[{D, C, B, A}];
      if (MODE == "CCU2") begin : chain
        wire carry = CCU2_INJECT1 == "YES" ? 1'b0 : FCI;
        wire two = CCU2_INJECT1 == "YES" ? 1'b0 : table_bits[{2'b00, B, A}];
        assign F = out ^ carry;
        assign FCO = out ? FCI : two;
      end else begin : plain
        assign F = out;
        assign FCO = 1'b0;
      end
    end
    if (WIDER == "F1") assign OFX = M ? F1 : F;
    else assign OFX = M ? FXB : FXA;
  endgenerate
endmodule

// The write port of two slices' memory, which passes its inputs on.
module TRELLIS_RAMW (
  input A0, B0, C0, D0, A1, B1, C1, D1,
  output WDO0, WDO1, WDO2, WDO3, WADO0, WADO1, WADO2, WADO3
);
  assign {WADO3, WADO2, WADO1, WADO0} = {A0, C0, B0, D0};
  assign {WDO3, WDO2, WDO1, WDO0} = {B1, D1, A1, C1};
endmodule

// A register. All of them have a value after configuration: that of their reset.
module TRELLIS_FF (input CLK, CE, LSR, D, output reg Q);
  parameter REGSET = "RESET";
  parameter CE_INVERTED = 0;
  localparam VALUE = REGSET == "SET";
  initial Q = VALUE;
  always @(posedge CLK)
    if (LSR) Q <= VALUE;
    else if (CE ^ CE_INVERTED) Q <= D;
endmodule

// A product of 18 by 18 bits, each operand signed or not, with or without its output register.
module MULT18X18D (input [17:0] A, B, input SIGNEDA, SIGNEDB, CLK, CE, RST, output [35:0] P);
  parameter REGISTERED = 0;
  wire signed [18:0] a = {SIGNEDA & A[17], A};
  wire signed [18:0] b = {SIGNEDB & B[17], B};
  wire signed [37:0] product = a * b;
  generate
    if (REGISTERED) begin : with_register
      reg [35:0] register = 0;
      always @(posedge CLK)
        if (RST) register <= 0;
        else if (CE) register <= product[35:0];
      assign P = register;
    end else begin : without_register
      assign P = product[35:0];
    end
  endgenerate
endmodule

// A memory block: 2,048 bytes of 9 bits, of which words of 1, 2 and 4 bits use 8. A word of 18 is two bytes, of 36 four:
// then port A writes and port B reads, each with the pins of both, the lower half on those of A.
module DP16KD (
  input CLKA, CEA, WEA, RSTA, CLKB, CEB, WEB, RSTB,
  input [13:0] ADA, ADB,
  input [17:0] DIA, DIB,
  output [17:0] DOA, DOB
);
  parameter integer WIDTH_A = 18, WIDTH_B = 18;
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL";
  parameter [18431:0] INIT = 0;

  reg [8:0] bytes [0:2047];
  integer k;
  reg [18431:0] contents;
  initial begin
    // Icarus takes a part of a variable at once, of a parameter only bit by bit.
    contents = INIT;
    for (k = 0; k < 2048; k = k + 1) bytes[k] = contents[9 * k +: 9];
  end
  reg [17:0] a = 0, b = 0, lower = 0;
  assign DOA = WIDTH_B == 36 ? lower : a;
  assign DOB = b;

  function [17:0] word(input integer width, input [13:0] address);
    case (width)
      36: word = {bytes[{address[13:5], 2'd3}], bytes[{address[13:5], 2'd2}]};
      18: word = {bytes[{address[13:4], 1'd1}], bytes[{address[13:4], 1'd0}]};
      9: word = bytes[address[13:3]];
      4: word = bytes[address[13:3]] >> 4 * address[2] & 4'hf;
      2: word = bytes[address[13:3]] >> 2 * address[2:1] & 2'h3;
      default: word = bytes[address[13:3]] >> address[2:0] & 1'h1;
    endcase
  endfunction

  // A port that writes keeps what it read last, or reads what was there before.
  always @(posedge CLKA)
    if (RSTA) a <= 0;
    else if (CEA && (!WEA || WRITEMODE_A == "READBEFOREWRITE")) a <= word(WIDTH_A, ADA);
  always @(posedge CLKB)
    if (RSTB) begin
      b <= 0;
      lower <= 0;
    end else if (CEB && (!WEB || WRITEMODE_B == "READBEFOREWRITE")) begin
      b <= word(WIDTH_B, ADB);
      lower <= {bytes[{ADB[13:5], 2'd1}], bytes[{ADB[13:5], 2'd0}]};
    end
  always @(posedge CLKA)
    if (CEA && WEA)
      case (WIDTH_A)
        36: begin
          if (ADA[0]) bytes[{ADA[13:5], 2'd0}] <= DIA[8:0];
          if (ADA[1]) bytes[{ADA[13:5], 2'd1}] <= DIA[17:9];
          if (ADA[2]) bytes[{ADA[13:5], 2'd2}] <= DIB[8:0];
          if (ADA[3]) bytes[{ADA[13:5], 2'd3}] <= DIB[17:9];
        end
        18: begin
          if (ADA[0]) bytes[{ADA[13:4], 1'd0}] <= DIA[8:0];
          if (ADA[1]) bytes[{ADA[13:4], 1'd1}] <= DIA[17:9];
        end
        9: bytes[ADA[13:3]] <= DIA[8:0];
        4: bytes[ADA[13:3]][4 * ADA[2] +: 4] <= DIA[3:0];
        2: bytes[ADA[13:3]][2 * ADA[2:1] +: 2] <= DIA[1:0];
        default: bytes[ADA[13:3]][ADA[2:0]] <= DIA[0];
      endcase
endmodule
