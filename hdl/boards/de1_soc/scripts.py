"""What a person runs in the project's folder: compile and program, for a shell and for Windows."""

from __future__ import annotations

from hdl.boards.de1_soc.jtag_bridge import BRIDGE
from hdl.boards.de1_soc.platform import PROJECT
from hdl.device.cyclone_v import FAMILY, PART

__all__ = ["COMPILE_TCL", "OUTPUT", "SCRIPTS"]

OUTPUT = "output_files"
"""Where Quartus leaves bitstream and reports."""

# Platform Designer's programs are not on the PATH of an ordinary installation; quartus_sh knows where they are.
COMPILE_TCL = rf"""# Makes the JTAG bridge, then compiles: quartus_sh -t compile.tcl
package require ::quartus::project
package require ::quartus::flow

cd [file dirname [file normalize [info script]]]

proc designer {{name}} {{
    global quartus env
    set suffix [expr {{$::tcl_platform(platform) eq "windows" ? ".exe" : ""}}]
    set roots {{}}
    if {{[info exists quartus(quartus_rootpath)]}} {{ lappend roots $quartus(quartus_rootpath) }}
    if {{[info exists env(QUARTUS_ROOTDIR)]}} {{ lappend roots $env(QUARTUS_ROOTDIR) }}
    foreach root $roots {{
        set path [file join $root sopc_builder bin $name$suffix]
        if {{[file exists $path]}} {{ return $path }}
    }}
    set path [auto_execok $name]
    if {{$path eq ""}} {{
        error "$name was not found in sopc_builder/bin of $roots nor on PATH: is Platform Designer installed?"
    }}
    return [lindex $path 0]
}}

proc run {{program args}} {{
    puts "[file tail $program] $args"
    exec -ignorestderr $program {{*}}$args >@ stdout
}}

run [designer qsys-script] --script={BRIDGE}.tcl
run [designer qsys-generate] {BRIDGE}.qsys --synthesis=VERILOG "--family={FAMILY}" --part={PART}

project_open {PROJECT}
set failed [catch {{execute_flow -compile}} message]
project_close
if {{$failed}} {{ error $message }}
"""

_COMPILE_SH = """#!/bin/sh
# Makes output_files/{project}.sof. Needs quartus_sh on PATH.
cd "$(dirname "$0")" && exec quartus_sh -t compile.tcl
"""

_COMPILE_BAT = """@echo off
rem Makes output_files\\{project}.sof. Needs quartus_sh on PATH.
pushd "%~dp0"
quartus_sh -t compile.tcl
set "status=%ERRORLEVEL%"
popd
exit /b %status%
"""

# The ARM cores are the first device in the chain, the FPGA the second.
_PROGRAM_SH = """#!/bin/sh
# Loads the FPGA, the second device in the chain, until power is off. Options go to quartus_pgm, such as -c CABLE.
cd "$(dirname "$0")" && exec quartus_pgm -m jtag "$@" -o "p;output_files/{project}.sof@2"
"""

_PROGRAM_BAT = """@echo off
rem Loads the FPGA, the second device in the chain, until power is off. Options go to quartus_pgm, such as -c CABLE.
pushd "%~dp0"
quartus_pgm -m jtag %* -o "p;output_files/{project}.sof@2"
set "status=%ERRORLEVEL%"
popd
exit /b %status%
"""

SCRIPTS = {
    "compile.tcl": COMPILE_TCL,
    "compile.sh": _COMPILE_SH.format(project=PROJECT),
    "compile.bat": _COMPILE_BAT.format(project=PROJECT).replace("\n", "\r\n"),
    "program.sh": _PROGRAM_SH.format(project=PROJECT),
    "program.bat": _PROGRAM_BAT.format(project=PROJECT).replace("\n", "\r\n"),
}
"""File name -> text; those that end in ``.sh`` are to be executable."""
