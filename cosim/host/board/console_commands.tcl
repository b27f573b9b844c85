# System Console's commands for plain tclsh, on the simulated board: tclsh console_commands.tcl SCRIPT [ARGUMENT …]
# TALOS_BOARD_RELAY is the command that joins a pipe to the board's socket. Paths of services are made up in the form of
# real ones; words, their format and the order of accesses are as with a cable. Source of what the commands take and
# return: Intel's "Quartus Prime Standard Edition User Guide: Debug Tools" (683552), chapter 2.

namespace eval board {
    variable device "/devices/5CSEBA5(.|ES)|5CSEMA5|..@2#simulation"
    variable node "$device/(link)/JTAG/(110:132 v1 #0)/phy_0"
    # Type of a service -> its path; there is one of each.
    variable services [dict create device $device jtag_debug $node master "$node/master"]
    # Path -> type, of services that are open, and of claims with their group.
    variable opened {}
    variable groups {}
    variable claims 0

    variable pipe [open "|[list {*}$::env(TALOS_BOARD_RELAY)]" r+]
    fconfigure $pipe -buffering line -translation lf
}

proc board::ask {args} {
    variable pipe
    if {[catch {puts $pipe $args}] || [gets $pipe line] < 0} {
        error "the simulated board has ended"
    }
    set kind [lindex [split $line " "] 0]
    set text [string trim [string range $line [string length $kind] end]]
    switch -- $kind {
        ok { return $text }
        timeout { error "This transaction did not complete: $text" }
        default { error $text }
    }
}

# Returns an error unless a service of that type is open or claimed at the path.
proc board::check_open {type path} {
    variable opened
    if {![dict exists $opened $path] || [dict get $opened $path] ne $type} {
        error "Service path is not open: \"$path\"; open_service or claim_service opens a $type"
    }
}

# Returns an error unless there is a service of that type at the path.
proc board::check_service {type path} {
    if {$path eq "" || $path ni [get_service_paths $type]} {
        error "No $type service at \"$path\""
    }
}

proc board::check_file {path} {
    if {![file exists $path]} {
        error "No such file: $path"
    }
}

proc refresh_connections {} {}
proc get_version {} { return "simulation" }
proc get_service_types {} { return [dict keys $board::services] }
proc get_service_paths {args} {
    set type [lindex $args end]
    foreach {option value} [lrange $args 0 end-1] {
        if {$option ne "-device"} {
            error "option must be -device, not \"$option\""
        }
        # A device, or another service in it.
        if {$value ni [dict values $board::services]} {
            return {}
        }
    }
    return [expr {[dict exists $board::services $type] ? [list [dict get $board::services $type]] : {}}]
}
proc is_service_path {path} { return [expr {$path in [dict values $board::services]}] }
proc open_service {type path args} {
    board::check_service $type $path
    dict set board::opened $path $type
    return
}
proc claim_service {type path group {claims {}}} {
    board::check_service $type $path
    set claim "/channels/local/[expr {$group eq "" ? "(lib)" : $group}]/${type}_[incr board::claims]"
    dict set board::opened $claim $type
    dict set board::groups $claim $group
    return $claim
}
proc get_claimed_services {group} {
    set found {}
    dict for {path of} $board::groups {
        if {$of eq $group} {
            lappend found $path [dict get $board::opened $path]
        }
    }
    return $found
}
proc is_service_open {type path} {
    return [expr {[dict exists $board::opened $path] && [dict get $board::opened $path] eq $type}]
}
proc close_service {type path} {
    board::check_open $type $path
    dict unset board::opened $path
    dict unset board::groups $path
    return
}

# The board holds its design from the start: a file of it must exist, and is not read.
proc design_load {path} {
    board::check_file $path
    return "/designs/[file tail $path]"
}
proc design_instantiate {design args} { return "$design/instance" }
proc design_link {design device} {}
proc device_download_sof {device path} {
    board::check_service device $device
    board::check_file $path
}
proc send_message {level text} { puts stderr "$level: $text" }

source [file join [file dirname [info script]] console_access.tcl]

set argv0 [lindex $argv 0]
set argv [lrange $argv 1 end]
set argc [llength $argv]
source $argv0
