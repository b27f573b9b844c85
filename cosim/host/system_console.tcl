# Run by Intel's System Console: register accesses on the board's JTAG-to-Avalon master, a request a line on standard
# input, an answer a line on standard output behind a mark, since System Console has things to say there too.
#   read ADDRESS COUNT      -> ok WORD …
#   write ADDRESS WORD      -> ok
# Anything else, or the end of the input, ends the script. Before the first request comes "ok DEVICE", or an error that
# begins with "no-device" or "no-master".

set mark "@board "
# Services are found some time after System Console has started.
set patience 20

proc answer {text} {
    puts "$::mark$text"
    flush stdout
}

proc discover {kind} {
    for {set tries 0} {$tries < $::patience} {incr tries} {
        set paths [get_service_paths $kind]
        if {[llength $paths] > 0} {
            return [lindex $paths 0]
        }
        after 250
        refresh_connections
    }
    return ""
}

proc one_line {text} {
    return [string map {\n " " \r ""} $text]
}

# The FPGA is the only device with a master; the processor beside it on the chain has none.
set master [discover master]
if {$master eq ""} {
    set devices [get_service_paths device]
    if {[llength $devices] == 0} {
        answer "error no-device"
    } else {
        answer "error no-master [one_line $devices]"
    }
    exit 1
}
if {[catch {open_service master $master} problem]} {
    answer "error [one_line $problem]"
    exit 1
}
answer "ok $master"

while {[gets stdin request] >= 0} {
    set kind [lindex $request 0]
    if {$kind ne "read" && $kind ne "write"} {
        break
    }
    if {[catch {
        if {$kind eq "read"} {
            set words [master_read_32 $master [lindex $request 1] [lindex $request 2]]
            answer "ok $words"
        } else {
            master_write_32 $master [lindex $request 1] [list [lindex $request 2]]
            answer "ok"
        }
    } problem]} {
        # System Console's own limit: "This transaction did not complete in 60 seconds."
        if {[string match "*did not complete*" $problem]} {
            answer "timeout [one_line $problem]"
        } else {
            answer "error [one_line $problem]"
        }
    }
}
catch {close_service master $master}
exit 0
