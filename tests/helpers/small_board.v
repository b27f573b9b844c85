// A board small enough to be compiled in seconds, with the vendor's blocks and the ports of the real one: 16 words of
// memory from address 0 on; word 1 shows the LEDs; word 2 takes three cycles; word 3 never answers. SW2 holds the bridge.
module top (
    input wire clk50_0__io,
    input wire switch_0__io,
    input wire switch_1__io,
    input wire switch_2__io,
    output wire led_0__io,
    output wire led_1__io,
    output wire display_7seg_0__a__io
);
    wire clk, locked, enable, released;
    wire [31:0] address, writedata;
    wire read, write;
    wire [3:0] byteenable;
    reg [31:0] memory [0:15];
    reg [31:0] readdata;
    reg readdatavalid;
    reg [1:0] delay;
    reg [31:0] cycles;

    altera_pll #(
        .reference_clock_frequency("50.000000 MHz"), .output_clock_frequency0("56.250000 MHz"), .number_of_clocks(1)
    ) pll (.refclk(clk50_0__io), .rst(1'b0), .fbclk(1'b0), .outclk(clk), .fboutclk(), .locked(locked));
    altera_std_synchronizer #(.depth(2)) release_ (.clk(clk), .reset_n(locked), .din(1'b1), .dout(released));
    altera_std_synchronizer_bundle #(.width(2), .depth(2)) sync (
        .clk(clk), .reset_n(1'b1), .din({switch_1__io, switch_0__io}), .dout({reset, enable}));
    wire reset;
    altiobuf_out #(.use_oe("TRUE"), .number_of_channels(2)) leds (
        .datain({reset, enable}), .oe(2'b11), .dataout({led_1__io, led_0__io}));
    altiobuf_out #(.use_oe("TRUE")) hex (.datain(memory[1][0]), .oe(1'b1), .dataout(display_7seg_0__a__io));

    wire busy = address[5:2] == 3 || (address[5:2] == 2 && delay != 3);
    jtag_bridge bridge (
        .clk_clk(clk), .reset_reset_n(released && !switch_2__io), .master_address(address), .master_read(read),
        .master_write(write), .master_writedata(writedata), .master_byteenable(byteenable), .master_readdata(readdata),
        .master_readdatavalid(readdatavalid), .master_waitrequest(busy));

    integer lane;
    initial begin
        readdatavalid = 0;
        delay = 0;
        cycles = 0;
        for (lane = 0; lane < 16; lane = lane + 1) memory[lane] = 0;
    end
    always @(posedge clk) begin
        if (released) cycles <= cycles + 1;
        readdatavalid <= read && !busy;
        delay <= (read || write) && address[5:2] == 2 ? delay + 1 : 0;
        if (read && !busy) readdata <= address[5:2] == 15 ? cycles : memory[address[5:2]];
        if (write && !busy)
            for (lane = 0; lane < 4; lane = lane + 1)
                if (byteenable[lane]) memory[address[5:2]][8 * lane +: 8] <= writedata[8 * lane +: 8];
    end
endmodule
