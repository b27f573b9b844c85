"""The register bus behind a serial line, and lines of text on the same line while no host is there."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.boards.parts.serial_protocol import (
    ANSWER,
    BAUD,
    BURST_WORDS,
    CRC,
    CRC_BYTES,
    MAX_BODY,
    READ_BODY,
    REQUEST,
    SILENCE_BITS,
    SYNC,
    Opcode,
    Status,
)
from hdl.boards.parts.uart import BitRate, UartReceiver, UartTransmitter
from hdl.registers.avalon import ADDRESS_WIDTH, AvalonSignature
from hdl.units.memory_ports import read_port, write_port

__all__ = ["SerialBridge"]

_REQUEST_BYTES, _ANSWER_BYTES = REQUEST.size // 8, ANSWER.size // 8


class _State(IntEnum):
    HUNT = 0
    LENGTH = 1
    BODY = 2
    CHECK = 3
    FETCH = 4
    WRITE = 5
    READ = 6
    WAIT = 7
    HEAD = 8
    WORDS = 9
    CHECKSUM = 10


class SerialBridge(wiring.Component):
    """An Avalon-MM master that a host drives by the frames of `hdl.boards.parts.serial_protocol`.

    A request is executed once all of it has come and its CRC is right: a write's words in the order of addresses, a
    read's before the first byte of the answer. A write whose CRC, and so its sequence number, address and words, is
    that of the last one, with no read between, is that one's retry: it is answered and not executed.

    A request with an unknown opcode, a wrong length, or words that the bus has not is refused. A damaged one is not
    answered; nor is one that was not finished when the line was silent for ``SILENCE_BITS``, or had a break. What comes
    while a request is executed or answered is not heard.

    The bus is waited for without end, so that whatever is behind it must answer. A reset of the domain ends an access
    under way: where a host is to reach the registers in the machine's reset too, the bridge belongs into a domain that
    this one leaves alone (`DomainRenamer`).

    Timing: a word read takes 1 cycle, and a word written 2, beside those of the bus. Then the answer follows without a
    pause, its bytes as `UartTransmitter` sends them.

    Parameters
    ----------
    clock_hz
        Frequency of the domain.
    baud
        Bits a second; at most an eighth of ``clock_hz``.

    Members
    -------
    rx : In(1)
        Asynchronous; 1 at rest.
    tx : Out(1)
        A register; 1 at rest.
    bus : Out(AvalonSignature())
    text : In(stream.Signature(8))
        Bytes, none of them ``SYNC``, for a terminal: each is sent as it is while no frame is received or answered.

    Raises TypeError or ValueError as ``BitRate``.
    """

    def __init__(self, *, clock_hz: int, baud: int = BAUD) -> None:
        self.rate = BitRate(clock_hz, baud)
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "bus": Out(AvalonSignature()),
                "text": In(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(self.rate)
        m.submodules.transmitter = transmitter = UartTransmitter(self.rate)
        m.submodules.crc = crc = CRC(data_width=8).create()
        m.submodules.words = buffer = Memory(shape=32, depth=BURST_WORDS, init=[])
        store, fetch = write_port(buffer), read_port(buffer)
        bus: Any = self.bus
        came, byte = receiver.o.valid, receiver.o.payload
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]

        state = Signal(_State, name="state")
        request = Signal(REQUEST, name="request")
        length = Signal(8, name="length")
        count = Signal(8, name="count")
        left = Signal(range(MAX_BODY + CRC_BYTES + 1), name="left")
        # Bytes of the body so far, or of a part of the answer.
        at = Signal(range(MAX_BODY + CRC_BYTES + 1), name="at")
        words = Signal(range(BURST_WORDS + 1), name="words")
        index = Signal(range(BURST_WORDS + 1), name="index")
        last_bytes = Signal(32, name="last_bytes")
        word = Cat(last_bytes[8:], byte)
        written = Signal(32, name="written")
        has_written = Signal(name="has_written")
        answer = Signal(ANSWER, name="answer")
        last_word = index + 1 == words

        def begin_answer(status: Status) -> None:
            m.d.sync += [state.eq(_State.HEAD), at.eq(0), index.eq(0), answer.status.eq(status)]
            m.d.sync += answer.sequence.eq(request.sequence)

        # Receive.
        silence = Signal(range(self.rate.cycles(SILENCE_BITS) + 1), name="silence")
        m.d.sync += silence.eq(Mux(came, 0, silence + 1))
        with m.If(came):
            m.d.sync += last_bytes.eq(word)
        is_body = left > CRC_BYTES
        with m.Switch(state):
            with m.Case(_State.HUNT, _State.LENGTH):
                with m.If(came):
                    m.d.comb += crc.start.eq(1)
                    m.d.sync += [length.eq(byte), left.eq(byte + CRC_BYTES), at.eq(0), index.eq(0)]
                    m.d.sync += state.eq(Mux(byte == SYNC, _State.LENGTH, _State.HUNT))
                    with m.If((state == _State.LENGTH) & (byte >= READ_BODY) & (byte <= MAX_BODY)):
                        m.d.comb += [crc.data.eq(byte), crc.valid.eq(1)]
                        m.d.sync += state.eq(_State.BODY)
            with m.Case(_State.BODY):
                m.d.comb += [store.addr.eq(index), store.data.eq(word), crc.data.eq(byte), crc.valid.eq(came)]
                with m.If(came):
                    m.d.sync += [at.eq(at + 1), left.eq(left - 1)]
                    with m.If(at == _REQUEST_BYTES - 1):
                        m.d.sync += request.eq(word)
                    with m.If(at == _REQUEST_BYTES):
                        m.d.sync += count.eq(byte)
                    with m.If(is_body & (at >= _REQUEST_BYTES) & (at[:2] == 3)):
                        m.d.comb += store.en.eq(1)
                        m.d.sync += index.eq(index + 1)
                    with m.If(left == 1):
                        m.d.sync += state.eq(_State.CHECK)

            # The CRC is right: find out what is asked.
            with m.Case(_State.CHECK):
                reads = (request.opcode == Opcode.READ) & (length == READ_BODY)
                # Whole words were received, and at least one.
                writes = (request.opcode == Opcode.WRITE) & (length == _REQUEST_BYTES + (index << 2)) & (index != 0)
                asked = Mux(reads, count, index)
                fits = (asked != 0) & (asked <= BURST_WORDS) & (request.address[:2] == 0)
                fits &= (request.address >> 2) + asked <= 1 << (ADDRESS_WIDTH - 2)
                m.d.sync += [words.eq(asked), index.eq(0), state.eq(_State.HUNT)]
                with m.If(crc.match_detected):
                    with m.If(~fits | ~(reads | writes)):
                        m.d.sync += words.eq(0)
                        begin_answer(Status.REFUSED)
                    with m.Elif(reads):
                        m.d.sync += [has_written.eq(0), state.eq(_State.READ)]
                    with m.Else():
                        m.d.sync += [has_written.eq(1), written.eq(last_bytes), state.eq(_State.FETCH)]
                        with m.If(has_written & (written == last_bytes)):
                            m.d.sync += words.eq(0)
                            begin_answer(Status.DONE)

            # Execute.
            with m.Case(_State.FETCH):
                m.d.sync += state.eq(_State.WRITE)
            with m.Case(_State.WRITE):
                m.d.comb += bus.write.eq(1)
                with m.If(~bus.waitrequest):
                    m.d.sync += [index.eq(index + 1), state.eq(_State.FETCH)]
                    with m.If(last_word):
                        m.d.sync += words.eq(0)
                        begin_answer(Status.DONE)
            with m.Case(_State.READ):
                m.d.comb += bus.read.eq(1)
                with m.If(~bus.waitrequest):
                    m.d.sync += state.eq(_State.WAIT)
            with m.Case(_State.WAIT):
                m.d.comb += [store.addr.eq(index), store.data.eq(bus.readdata), store.en.eq(bus.readdatavalid)]
                with m.If(bus.readdatavalid):
                    m.d.sync += [index.eq(index + 1), state.eq(_State.READ)]
                    with m.If(last_word):
                        begin_answer(Status.DONE)
        m.d.comb += [
            fetch.addr.eq(index),
            bus.address.eq(request.address + (index << 2)),
            bus.writedata.eq(fetch.data),
            bus.byteenable.eq(0b1111),
        ]

        # Answer. A byte takes so long on the line that what is read or checked for the next one is there in time.
        head = Array([SYNC, _ANSWER_BYTES + (words << 2), answer.status, answer.sequence])
        sent = Signal(name="sent")
        out: Any = transmitter.i
        m.d.comb += sent.eq(out.valid & out.ready)
        with m.Switch(state):
            with m.Case(_State.HUNT):
                m.d.comb += [out.valid.eq(self.text.valid), out.payload.eq(self.text.payload)]
                m.d.comb += self.text.ready.eq(out.ready)
            with m.Case(_State.HEAD):
                m.d.comb += [out.valid.eq(1), out.payload.eq(head[at[:2]])]
                m.d.comb += [crc.start.eq(at == 0), crc.data.eq(out.payload), crc.valid.eq(sent & (at != 0))]
                with m.If(sent):
                    m.d.sync += at.eq(at + 1)
                    with m.If(at == len(head) - 1):
                        m.d.sync += [at.eq(0), state.eq(Mux(words == 0, _State.CHECKSUM, _State.WORDS))]
            with m.Case(_State.WORDS):
                m.d.comb += [out.valid.eq(1), out.payload.eq(fetch.data.word_select(at[:2], 8))]
                m.d.comb += [crc.data.eq(out.payload), crc.valid.eq(sent)]
                with m.If(sent):
                    m.d.sync += at.eq(at + 1)
                    with m.If(at[:2] == 3):
                        m.d.sync += [at.eq(0), index.eq(index + 1)]
                        with m.If(last_word):
                            m.d.sync += state.eq(_State.CHECKSUM)
            with m.Case(_State.CHECKSUM):
                m.d.comb += [out.valid.eq(1), out.payload.eq(crc.crc.word_select(at[:2], 8))]
                with m.If(sent):
                    m.d.sync += at.eq(at + 1)
                    with m.If(at == CRC_BYTES - 1):
                        m.d.sync += state.eq(_State.HUNT)

        # Last, since it goes before everything else: a frame that is damaged or goes on no further.
        with m.If((state == _State.LENGTH) | (state == _State.BODY)):
            with m.If(receiver.error | (silence == self.rate.cycles(SILENCE_BITS))):
                m.d.sync += state.eq(_State.HUNT)
        return m
