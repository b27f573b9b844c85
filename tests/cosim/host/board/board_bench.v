// The board without a host: the enable switch is up from the start, and every change of the displays is printed.
`timescale 1ps / 1ps
module board_bench;
    parameter DIGITS = 6;
    reg clock = 0;
    reg enable = 1;
    reg reset = 0;
    wire [9:0] leds;
    // HEX0 in the lowest bits, segment a lowest; 0 lights.
    wire [7 * DIGITS - 1:0] segments;

    always #10000 clock = ~clock;

    `include "board_ports.vh"

    always @(segments) $display("%0d segments %b", $time, segments);
    always @(leds) $display("%0d leds %b", $time, leds);

    initial begin
        #`RUN_PS reset = 1;
        #`RESET_PS $finish;
    end
endmodule

// The bridge without a cable: it never asks.
module jtag_bridge (
    input wire clk_clk,
    input wire reset_reset_n,
    output wire [31:0] master_address,
    output wire master_read,
    input wire [31:0] master_readdata,
    output wire master_write,
    output wire [31:0] master_writedata,
    input wire master_waitrequest,
    input wire master_readdatavalid,
    output wire [3:0] master_byteenable
);
    assign master_address = 0;
    assign master_read = 0;
    assign master_write = 0;
    assign master_writedata = 0;
    assign master_byteenable = 15;
endmodule
