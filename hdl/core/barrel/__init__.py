"""``barrel``: many names in flight on one datapath, in the arithmetic ``folded``.

Every stream is at its own step, and every unit works on another stream. What units pass on is the number of a stream,
with token and position (`job_layout`), through queues that can never be full, since a stream has one step in flight.
Vectors lie in memory blocks with a row a stream. So no unit waits for another, and only the last one for its consumer:

    streams ─job─► scores ─► sums ─► matrix ─► head ─► draw ─► streams ─► result
       └──────────── position 0, whose logits are constants ────┘

``streams``  states of all streams; hands out seeds, feeds tokens back, offers results, counts
``scores``   q · k, a position a cycle, and the largest exponent of every head; keeps key and value of every position
``sums``     weights, weighted sums of values, and the division
``matrix``   Wo, lm_head·Wo and fc1·Wo times attention's output, eight whole rows a cycle
``head``     hidden units that are not 0, one a cycle; RMSNorm's scale; logits
``draw``     noise, and the largest of logit + noise
``digest``   the sum of the CRC-32 of all steps
"""
