// The JTAG-to-Avalon bridge as the design sees it: an Avalon-MM initiator with pipelined reads, one access at a time.
// In place of the cable, cosim.host.board.server sets an access up and turns `go` over; `done` follows when the design has
// answered, with what was read in `answer`. In reset nothing is asked, and what was asked before is forgotten.
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
    // Written by the server.
    reg go, writes;
    reg [31:0] address, data;
    reg [3:0] byteenable;
    // Read by the server.
    reg done;
    reg [31:0] answer;
    // What the JTAG node sees of the clock and the reset when the server turns `sample` over, which `sampled` follows; a
    // clock that the server itself could see would cost half of the speed.
    reg sample, sampled, clock_level, reset_level;
    reg [31:0] ticks, ticks_then;

    reg seen, asking, waiting;

    initial begin
        go = 0;
        writes = 0;
        address = 0;
        data = 0;
        byteenable = 0;
        done = 0;
        answer = 0;
        sample = 0;
        sampled = 0;
        ticks = 0;
        seen = 0;
        asking = 0;
        waiting = 0;
    end

    always @(posedge clk_clk or negedge reset_reset_n) begin
        if (!reset_reset_n) begin
            asking <= 0;
            waiting <= 0;
        end else if (asking || waiting) begin
            if (asking && !master_waitrequest) begin
                asking <= 0;
                waiting <= !writes && !master_readdatavalid;
                if (writes) done <= go;
            end
            if ((waiting || !writes && !master_waitrequest) && master_readdatavalid) begin
                answer <= master_readdata;
                waiting <= 0;
                done <= go;
            end
        end else if (go != seen) begin
            seen <= go;
            asking <= 1;
        end
    end

    always @(posedge clk_clk) ticks <= ticks + 1;
    always @(sample) begin
        clock_level = clk_clk;
        reset_level = reset_reset_n;
        ticks_then = ticks;
        sampled = sample;
    end

    assign master_address = address;
    assign master_read = asking && !writes;
    assign master_write = asking && writes;
    assign master_writedata = data;
    assign master_byteenable = byteenable;
endmodule
