"""Quartus's reports in small, in the layout of version 18.1 to 23.1."""

from __future__ import annotations

from pathlib import Path

__all__ = ["CLOCK", "write_reports"]

CLOCK = "pll|pll|general[0].gpll~PLL_OUTPUT_COUNTER|divclk"

_FIT_SUMMARY = """\
Fitter Status : {status} - Fri Nov 20 12:00:00 2026
Quartus Prime Version : 18.1.0 Build 625 09/12/2018 SJ Lite Edition
Revision Name : top
Top-level Entity Name : top
Family : Cyclone V
Device : 5CSEMA5F31C6
Timing Models : Final
Logic utilization (in ALMs) : {alms} / 32,070 ( 27 % )
Total registers : 9876
Total pins : 55 / 457 ( 12 % )
Total virtual pins : 0
Total block memory bits : 123,456 / 4,065,280 ( 3 % )
Total RAM Blocks : 31 / 397 ( 8 % )
Total DSP Blocks : 28 / 87 ( 32 % )
Total PLLs : 1 / 6 ( 17 % )
Total DLLs : 0 / 4 ( 0 % )
"""

_FIT_REPORT = """\
Fitter report for top

+---------------------------------------------------------------------------------+
; Fitter Settings                                                                 ;
+------------------------------------------+--------------------+-----------------+
; Option                                   ; Setting            ; Default Value   ;
+------------------------------------------+--------------------+-----------------+
; Device                                   ; 5CSEMA5F31C6       ;                 ;
; Fitter Initial Placement Seed            ; {seed}                  ; 1               ;
+------------------------------------------+--------------------+-----------------+

+-----------------------------------------------+
; Fitter DSP Block Usage Summary                ;
+---------------------------------+-------------+
; Statistic                       ; Number Used ;
+---------------------------------+-------------+
; Two Independent 18x18           ; {pairs}          ;
; Total number of DSP blocks      ; {pairs}          ;
;                                 ;             ;
; Fixed Point Signed Multiplier   ; 52          ;
+---------------------------------+-------------+
"""

_STA_SUMMARY = """\
------------------------------------------------------------
Timing Analyzer Summary
------------------------------------------------------------

Type  : Slow 1100mV 85C Model Setup '{clock}'
Slack : {slack}
TNS   : 0.000

Type  : Slow 1100mV 85C Model Setup 'altera_reserved_tck'
Slack : 30.125
TNS   : 0.000

Type  : Fast 1100mV 0C Model Hold '{clock}'
Slack : 0.151
TNS   : 0.000

Type  : Slow 1100mV 0C Model Minimum Pulse Width 'clk50_0__io'
Slack : 9.670
TNS   : 0.000

------------------------------------------------------------
"""

_STA_REPORT = """\
Timing Analyzer report for top

+---------------------------------------------------------------------------------------+
; Slow 1100mV 85C Model Fmax Summary                                                    ;
+------------+-----------------+---------------------------------------------------+------+
; Fmax       ; Restricted Fmax ; Clock Name                                        ; Note ;
+------------+-----------------+---------------------------------------------------+------+
; 61.35 MHz  ; 61.35 MHz       ; {clock} ;      ;
; 120.02 MHz ; 120.02 MHz      ; altera_reserved_tck                               ;      ;
+------------+-----------------+---------------------------------------------------+------+
This panel reports FMAX for every clock in the design, regardless of the user-specified clock periods.

+------------------------------------------------------------------+
; Slow 1100mV 85C Model Setup Summary                              ;
+---------------------------------------------------+--------+-----+
; Clock                                             ; Slack  ; TNS ;
+---------------------------------------------------+--------+-----+
; {clock} ; {slack} ; 0.0 ;
+---------------------------------------------------+--------+-----+

+---------------------------------------------------------------------------------------+
; Slow 1100mV 0C Model Fmax Summary                                                     ;
+------------+-----------------+---------------------------------------------------+------+
; Fmax       ; Restricted Fmax ; Clock Name                                        ; Note ;
+------------+-----------------+---------------------------------------------------+------+
; 60.11 MHz  ; 60.11 MHz       ; {clock} ;      ;
+------------+-----------------+---------------------------------------------------+------+

+------------------------------------------------+
; Unconstrained Paths Summary                    ;
+---------------------------------+-------+------+
; Property                        ; Setup ; Hold ;
+---------------------------------+-------+------+
; Illegal Clocks                  ; 0     ; 0    ;
; Unconstrained Clocks            ; {unconstrained}     ; {unconstrained}    ;
; Unconstrained Input Ports       ; 0     ; 0    ;
; Unconstrained Output Ports      ; 0     ; 0    ;
+---------------------------------+-------+------+
"""

_MAP_REPORT = """\
Analysis & Synthesis report for top
Info (12021): Found 30 design units, including 30 entities, in source file top.v
{messages}
Info: Quartus Prime Analysis & Synthesis was successful. 0 errors, 3 warnings
"""


def write_reports(
    output: Path,
    *,
    slack: str = "1.139",
    alms: str = "8,765",
    status: str = "Successful",
    unconstrained: int = 0,
    messages: str = "",
    seed: int = 1,
    pairs: int = 26,
) -> None:
    """Write all reports of a compilation that are read; ``pairs`` DSP blocks make two products each."""
    output.mkdir(parents=True, exist_ok=True)
    (output / "top.fit.summary").write_text(_FIT_SUMMARY.format(status=status, alms=alms))
    (output / "top.fit.rpt").write_text(_FIT_REPORT.format(seed=seed, pairs=pairs))
    (output / "top.sta.summary").write_text(_STA_SUMMARY.format(clock=CLOCK, slack=slack))
    (output / "top.sta.rpt").write_text(_STA_REPORT.format(clock=CLOCK, slack=slack, unconstrained=unconstrained))
    (output / "top.map.rpt").write_text(_MAP_REPORT.format(messages=messages))
