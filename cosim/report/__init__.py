"""Tables, charts and waveforms for people."""
