# System Console's commands for plain tclsh, on the simulated board: tclsh console_commands.tcl SCRIPT [ARGUMENT …]
# TALOS_BOARD_RELAY is the command that joins a pipe to the board's socket. Paths of services are made up; words, their
# format and the order of accesses are as with a cable. A design file given to design_load must exist, and is not read.

namespace eval board {
    variable device "/devices/5CSEBA5(.|ES)|5CSEMA5|..@2#simulation"
    variable master "$device/(link)/JTAG/(110:132 v1 #0)/phy_0/master"
    variable opened {}

    variable pipe [open "|[list {*}$::env(TALOS_BOARD_RELAY)]" r+]
    fconfigure $pipe -buffering line -translation lf
}

proc board::ask {args} {
    variable pipe
    puts $pipe $args
    if {[gets $pipe line] < 0} {
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

# Returns an error unless the path is that of an open or claimed master.
proc board::check {path} {
    variable opened
    if {$path ni $opened} {
        error "Service path is not open: $path"
    }
}

proc board::read {path address count bytes} {
    check $path
    if {![string is integer -strict $count] || $count < 1} {
        error "Expected a positive count but got \"$count\""
    }
    set values {}
    for {set index 0} {$index < $count} {incr index} {
        set at [expr {$address + $index * $bytes}]
        set word [ask read [expr {$at & ~3}]]
        set value [expr {($word >> (8 * ($at & 3))) & ((1 << (8 * $bytes)) - 1)}]
        lappend values [format "0x%0[expr {2 * $bytes}]x" $value]
    }
    return $values
}

proc board::write {path address values bytes} {
    check $path
    set index 0
    foreach value $values {
        set at [expr {$address + $index * $bytes}]
        set lane [expr {$at & 3}]
        set mask [expr {(1 << (8 * $bytes)) - 1}]
        ask write [expr {$at & ~3}] [expr {($value & $mask) << (8 * $lane)}] [expr {((1 << $bytes) - 1) << $lane}]
        incr index
    }
}

proc refresh_connections {} {}
proc get_version {} { return "simulation" }
proc get_service_types {} { return {device master} }
proc get_service_paths {args} {
    switch -- [lindex $args end] {
        device { return [list $board::device] }
        master { return [list $board::master] }
    }
    return {}
}
proc open_service {type path args} {
    if {$path ni [get_service_paths $type]} {
        error "No $type service at \"$path\""
    }
    lappend board::opened $path
    return
}
proc claim_service {type path library args} {
    open_service $type $path
    lappend board::opened "$path/$library"
    return "$path/$library"
}
proc is_service_open {type path} { return [expr {$path in $board::opened}] }
proc close_service {type path} {
    board::check $path
    set board::opened [lsearch -all -inline -not -exact $board::opened $path]
    return
}
foreach {bits bytes} {8 1 16 2 32 4} {
    proc master_read_$bits {path address count} "board::read \$path \$address \$count $bytes"
    proc master_write_$bits {path address values} "board::write \$path \$address \$values $bytes"
}
proc master_read_memory {path address count} { return [board::read $path $address $count 1] }
proc master_write_memory {path address values} { board::write $path $address $values 1 }
proc design_load {path} {
    if {![file exists $path]} {
        error "No such file: $path"
    }
    return "/designs/[file tail $path]"
}
proc design_instantiate {design args} { return "$design/instance" }
proc design_link {design device} {}
proc send_message {level text} { puts stderr "$level: $text" }

set argv0 [lindex $argv 0]
set argv [lrange $argv 1 end]
set argc [llength $argv]
source $argv0
