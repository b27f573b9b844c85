// A block RAM of the Cyclone V as Yosys maps to it: one port writes, one reads the word that was there before.
//
// In place of the model in Yosys's intel_alm/common/mem_sim.v (seen with 0.70), which no simulator compiles, for the
// bounds of its part selects are not constant, and whose write enable is active low in every shape, while
// bram_m10k_map.v makes that of the 40 bits wide one active high.
module MISTRAL_M10K #(
    parameter CFG_ABITS = 10,
    parameter CFG_DBITS = 10,
    parameter [(CFG_DBITS << CFG_ABITS) - 1 : 0] INIT = 0
) (
    input CLK1,
    input [CFG_ABITS-1:0] A1ADDR,
    input [CFG_DBITS-1:0] A1DATA,
    input A1EN,
    input [CFG_ABITS-1:0] B1ADDR,
    output reg [CFG_DBITS-1:0] B1DATA,
    input B1EN
);
    reg [CFG_DBITS-1:0] words [0 : (1 << CFG_ABITS) - 1];
    wire write = CFG_DBITS == 40 ? A1EN : !A1EN;
    integer index;
    initial begin
        for (index = 0; index < 1 << CFG_ABITS; index = index + 1) words[index] = INIT[index * CFG_DBITS +: CFG_DBITS];
        // As the device does.
        B1DATA = 0;
    end
    always @(posedge CLK1) begin
        if (write) words[A1ADDR] <= A1DATA;
        if (B1EN) B1DATA <= words[B1ADDR];
    end
endmodule
