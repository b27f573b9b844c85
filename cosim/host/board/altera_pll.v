// Behaviour of Intel's altera_pll in integer mode, one output: refclk's measured period times the ratio of the two
// parameters. Locks LOCK_CYCLES reference cycles after rst falls, if refclk is within 1 % of what the parameter says;
// until then outclk runs at half the frequency, so that a design that does not wait for the lock is found out.
`timescale 1ps / 1ps
module altera_pll #(
    parameter reference_clock_frequency = "0 MHz",
    parameter output_clock_frequency0 = "0 MHz",
    parameter phase_shift0 = "0 ps",
    parameter duty_cycle0 = 50,
    parameter number_of_clocks = 1,
    parameter fractional_vco_multiplier = "false",
    parameter operation_mode = "normal",
    parameter pll_type = "General",
    parameter pll_subtype = "General",
    parameter LOCK_CYCLES = 500
) (
    input wire refclk,
    input wire rst,
    input wire fbclk,
    output wire [number_of_clocks - 1:0] outclk,
    output wire fboutclk,
    output reg locked
);
    real reference_mhz, output_mhz, period, last, next;
    integer cycles, found;
    reg clock;

    initial begin
        found = $sscanf(reference_clock_frequency, "%f MHz", reference_mhz);
        found = found + $sscanf(output_clock_frequency0, "%f MHz", output_mhz);
        if (found != 2 || reference_mhz <= 0 || output_mhz <= 0 || number_of_clocks != 1) begin
            $display("altera_pll: frequencies must be given in MHz, for one clock");
            $finish;
        end
        locked = 0;
        clock = 0;
        cycles = 0;
        period = 0;
        last = 0;
    end

    always @(posedge refclk or posedge rst) begin
        if (rst) begin
            locked <= 0;
            cycles <= 0;
            last <= 0;
            period <= 0;
        end else begin
            last <= $realtime;
            if (last > 0) period <= $realtime - last;
            if (period * reference_mhz > 0.99e6 && period * reference_mhz < 1.01e6) begin
                if (cycles == LOCK_CYCLES) locked <= 1;
                else cycles <= cycles + 1;
            end else begin
                locked <= 0;
                cycles <= 0;
            end
        end
    end

    always begin
        wait (!rst && period > 0);
        next = $realtime;
        while (!rst && period > 0) begin
            next = next + period * reference_mhz / output_mhz / (locked ? 2 : 1);
            #(next - $realtime) clock = ~clock;
        end
        clock = 0;
    end

    assign outclk = {number_of_clocks{clock}};
    assign fboutclk = clock;
endmodule
