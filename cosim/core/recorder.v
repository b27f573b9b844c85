// A core with a recorder around it: names are asked for and their results written down without a test bench in between.
//
// Outside a turn a test bench drives the core's ports through this module. It starts a turn by changing `play`: each line
// of the file "requests" is offered to the core once the request before it has ended, and "results", "ends" and "changes"
// get what was seen. `played` follows `play` when all of them are closed. Their lines:
//
//     requests  payload, results to be awaited, cycles after which the request is given up
//     results   of each result that was taken: number of the request, clock edge, payload, logits
//     ends      of each request, in the cycle after its last result: its number, clock edge that accepted it, given up,
//               busy, error, result__valid, request__ready, stage, counters
//     changes   what no core does, empty otherwise: an offered payload or logits that changed before they were taken, and
//               a result outside a turn: number of the request, clock edge, what, before, after
//
// They are binary digits of fixed width, X and Z included; numbers and edges of "changes" are decimal. Outputs are looked
// at right before a rising edge. Inputs change at the falling edge, which no core samples; it comes first, at time 0.
`timescale 1ps/1ps

module lock_step (
    input wire rst,
    input wire clear,
    input wire request__valid,
    input wire [`REQUEST_BITS - 1:0] request__payload,
    input wire result__ready,
    input wire play,
    output reg clk,
    output wire request__ready,
    output wire result__valid,
    output wire [`RESULT_BITS - 1:0] result__payload,
    output wire [`LOGITS_BITS - 1:0] logits,
    output wire busy,
    output wire error,
    output wire [`STAGE_BITS - 1:0] stage,
    output wire [`COUNTERS_BITS - 1:0] counters,
    output reg played
);
    localparam IDLE = 3'd0, FETCH = 3'd1, OFFER = 3'd2, RUN = 3'd3, LOOK = 3'd4;

    reg [2:0] state = IDLE;
    reg [63:0] now = 0, accepted = 0;
    reg [31:0] number = 0, awaited = 0, limit = 0, waited = 0;
    reg [`REQUEST_BITS - 1:0] payload = 0;
    reg given_up = 0;
    // A line of requests.
    reg [`REQUEST_BITS - 1:0] next_payload = 0;
    reg [31:0] next_awaited = 0, next_limit = 0;
    integer requests = 0, results = 0, ends = 0, changes = 0;

    // What the core is driven with while a turn is played.
    reg offer = 0;
    reg [`REQUEST_BITS - 1:0] offered = 0;

    // A result that was offered and not taken, and one that was taken outside a turn.
    reg held = 0, stray = 0;
    reg [`RESULT_BITS - 1:0] held_payload = 0;
    reg [`LOGITS_BITS - 1:0] held_logits = 0;

    initial begin
        clk = 0;
        played = 0;
    end

    always #`HALF_PERIOD clk = ~clk;

    `CORE `CORE (
        .clk(clk),
        .rst(rst),
        .clear(clear),
        .request__valid(state == IDLE ? request__valid : offer),
        .request__payload(state == IDLE ? request__payload : offered),
        .request__ready(request__ready),
        .result__valid(result__valid),
        .result__payload(result__payload),
        .result__ready(result__ready),
        .logits(logits),
        .busy(busy),
        .error(error),
        .stage(stage),
        .counters(counters)
    );

    always @(negedge clk) begin
        offer <= state == OFFER;
        // The payload counts in the accepting cycle only; a core that looks again later has to fail.
        offered <= state == OFFER ? payload : {`REQUEST_BITS{1'b1}};
    end

    always @(posedge clk) begin
        now <= now + 1;
        if (state == IDLE) begin
            if (!rst && result__valid && result__ready) begin
                stray <= 1;
                held_payload <= result__payload;
            end
            if (play != played) begin
                requests = $fopen("requests", "r");
                results = $fopen("results", "w");
                ends = $fopen("ends", "w");
                changes = $fopen("changes", "w");
                if (stray) $fwrite(changes, "0 %0d result none %b\n", now, held_payload);
                number <= 0;
                stray <= 0;
                held <= 0;
                state <= FETCH;
            end
        end else begin
            waited <= waited + 1;
            if (held && result__payload !== held_payload)
                $fwrite(changes, "%0d %0d payload %b %b\n", number, now, held_payload, result__payload);
            if (held && logits !== held_logits)
                $fwrite(changes, "%0d %0d logits %b %b\n", number, now, held_logits, logits);
            held <= result__valid && !result__ready;
            if (result__valid && !result__ready) begin
                held_payload <= result__payload;
                held_logits <= logits;
            end
            if (result__valid && result__ready) begin
                $fwrite(results, "%b%b%b%b\n", number, now, result__payload, logits);
                awaited <= awaited - 1;
            end
            if ((state == OFFER || state == RUN) && waited == limit) begin
                given_up <= 1;
                state <= LOOK;
            end else if (state == OFFER && offer && request__ready) begin
                accepted <= now;
                waited <= 0;
                state <= RUN;
            end else if (state == RUN && awaited == 1 && result__valid && result__ready)
                state <= LOOK;
            if (state == LOOK) begin
                $fwrite(ends, "%b%b%b%b%b%b%b%b%b\n", number, accepted, given_up, busy, error, result__valid,
                        request__ready, stage, counters);
                number <= number + 1;
            end
            if (state == FETCH || state == LOOK) begin
                waited <= 0;
                if (!given_up && $fscanf(requests, "%b %d %d\n", next_payload, next_awaited, next_limit) == 3) begin
                    payload <= next_payload;
                    awaited <= next_awaited;
                    limit <= next_limit;
                    state <= OFFER;
                end else begin
                    $fclose(requests);
                    $fclose(results);
                    $fclose(ends);
                    $fclose(changes);
                    given_up <= 0;
                    state <= IDLE;
                    played <= play;
                end
            end
        end
    end
endmodule
