# A session of System Console without a window: console_commands.tcl console_session.tcl START [ARGUMENT …]
# Runs the script START, if it is not empty, and then the commands of standard input. Each prompt is "% "; what a command
# returns is written to standard output, what it fails with to standard error, and the session goes on. Input is not
# echoed. The end of the input ends the session with status 0, `exit N` with status N.

namespace eval board::session {
    # What has come of a command that is not complete yet.
    variable command ""
    variable ended 0
}

proc board::session::run {script} {
    set code [catch { uplevel #0 $script } result options]
    if {$code == 2} {
        set code [dict get $options -code]
    }
    switch -- $code {
        0 {
            if {$result ne ""} {
                puts $result
            }
        }
        1 { puts stderr $result }
        3 { puts stderr "invoked \"break\" outside of a loop" }
        4 { puts stderr "invoked \"continue\" outside of a loop" }
        default { puts stderr "command returned bad code: $code" }
    }
}

proc board::session::prompt {} {
    puts -nonewline "% "
    fileevent stdin readable board::session::hear
}

proc board::session::hear {} {
    variable command
    variable ended
    if {[gets stdin line] < 0} {
        set ended 1
        return
    }
    append command $line \n
    if {[info complete $command]} {
        set script $command
        set command ""
        # A command that waits for events must not start the next one.
        fileevent stdin readable {}
        run $script
        prompt
    }
}

# Whoever reads a pipe gets each word at once.
fconfigure stdout -buffering none
set start [lindex $argv 0]
set argv0 [expr {$start eq "" ? "system-console" : $start}]
set argv [lrange $argv 1 end]
set argc [llength $argv]
if {$start ne ""} {
    board::session::run [list source $start]
}
board::session::prompt
vwait board::session::ended
exit 0
