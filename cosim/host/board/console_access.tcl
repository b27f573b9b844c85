# System Console's commands that reach the design: the bus through a master, clock and reset through its JTAG node. All
# arguments are checked before the first access. Part of console_commands.tcl.

namespace eval board {
    # Words in a request.
    variable most 1024
}

proc board::integer {what text low high} {
    if {![string is entier -strict $text] || $text < $low || $text > $high} {
        error "$what must be an integer from $low to $high, not \"$text\""
    }
    return [expr {$text + 0}]
}

proc board::integers {what values low high} {
    if {![string is list $values] || [llength $values] == 0} {
        error "${what}s must be a list of integers, not \"$values\""
    }
    return [lmap value $values { integer $what $value $low $high }]
}

# Returns an address of count values of so many bytes each.
proc board::place {address count bytes} {
    set address [integer address $address 0 0xffffffff]
    if {$address % $bytes != 0} {
        error "address must be a multiple of $bytes, not [format 0x%x $address]"
    }
    if {$address + $count * $bytes > 0x100000000} {
        error "address must leave room for $count values below 0x100000000, not [format 0x%x $address]"
    }
    return $address
}

proc board::words {address count} {
    variable most
    set words {}
    while {$count > 0} {
        set some [expr {min($count, $most)}]
        lappend words {*}[ask read $address $some]
        incr address [expr {4 * $some}]
        incr count -$some
    }
    return $words
}

# 8 and 16 bits are an access each, as the bus sees them; 32 bits are read in a row.
proc board::read {path address count bytes} {
    check_open master $path
    set count [integer count $count 1 4294967296]
    set address [place $address $count $bytes]
    if {$bytes == 4} {
        return [lmap word [words $address $count] { format 0x%08x $word }]
    }
    set values {}
    for {} {$count > 0} {incr count -1} {
        set word [ask read [expr {$address & ~3}]]
        set value [expr {($word >> (8 * ($address & 3))) & ((1 << (8 * $bytes)) - 1)}]
        lappend values [format "0x%0[expr {2 * $bytes}]x" $value]
        incr address $bytes
    }
    return $values
}

proc board::write {path address values bytes} {
    check_open master $path
    set bits [expr {8 * $bytes}]
    set values [integers value $values [expr {-(1 << ($bits - 1))}] [expr {(1 << $bits) - 1}]]
    set address [place $address [llength $values] $bytes]
    foreach value $values {
        set lane [expr {$address & 3}]
        set word [expr {($value & ((1 << $bits) - 1)) << (8 * $lane)}]
        ask write [expr {$address & ~3}] $word [expr {((1 << $bytes) - 1) << $lane}]
        incr address $bytes
    }
    return
}

# Returns bytes as a binary string; the bus is read in whole words.
proc board::read_block {path address count} {
    check_open master $path
    set count [integer count $count 1 4294967296]
    set address [place $address $count 1]
    set lane [expr {$address & 3}]
    set words [words [expr {$address - $lane}] [expr {($lane + $count + 3) / 4}]]
    return [string range [binary format i* $words] $lane [expr {$lane + $count - 1}]]
}

# Writes a binary string in whole words, the first and the last with the byte enables of what is written.
proc board::write_block {path address block} {
    check_open master $path
    set count [string length $block]
    set address [place $address $count 1]
    for {set at 0} {$at < $count} {incr at $some} {
        set lane [expr {($address + $at) & 3}]
        set some [expr {min(4 - $lane, $count - $at)}]
        binary scan [string repeat \0 $lane][string range $block $at $at+[expr {$some - 1}]]\0\0\0 iu word
        ask write [expr {$address + $at - $lane}] $word [expr {((1 << $some) - 1) << $lane}]
    }
    return
}

# Files are bytes; a relative path begins in the current folder.
proc board::read_file {path} {
    set file [open $path rb]
    try { return [::read $file] } finally { close $file }
}
proc board::write_file {path block} {
    set file [open $path wb]
    try { puts -nonewline $file $block } finally { close $file }
}

# What the JTAG node says of the bridge, which need not be open: level of its clock, level of its reset (0 holds it),
# and whether the clock has ticked since it was last asked.
proc board::debug {path what} {
    check_node $path
    return [dict get [ask debug] $what]
}

# Returns an error unless the path leads to the JTAG node: its own, the master's, or a claim of either.
proc board::check_node {path} {
    variable node
    variable opened
    set type [expr {[dict exists $opened $path] ? [dict get $opened $path] : ""}]
    if {$path ni [list $node "$node/master"] && $type ni {jtag_debug master}} {
        error "No jtag_debug service at \"$path\""
    }
}

foreach {bits bytes} {8 1 16 2 32 4} {
    proc master_read_$bits {path address count} "board::read \$path \$address \$count $bytes"
    proc master_write_$bits {path address values} "board::write \$path \$address \$values $bytes"
}
proc master_read_memory {path address count} {
    binary scan [board::read_block $path $address $count] cu* bytes
    return [lmap byte $bytes { format 0x%02x $byte }]
}
proc master_write_memory {path address values} {
    board::write_block $path $address [binary format c* [board::integers value $values -128 255]]
}
proc master_read_to_file {path file address count} {
    board::write_file $file [board::read_block $path $address $count]
}
proc master_write_from_file {path file address} {
    board::check_open master $path
    board::write_block $path $address [board::read_file $file]
}

proc jtag_debug_loop {path values} {
    board::check_node $path
    set looped {}
    set values [board::integers value $values 0 255]
    for {set first 0} {$first < [llength $values]} {incr first 256} {
        lappend looped {*}[board::ask loop {*}[lrange $values $first $first+255]]
    }
    return [lmap byte $looped { format 0x%02x $byte }]
}
proc jtag_debug_sample_clock {path} { return [board::debug $path clock] }
proc jtag_debug_sample_reset {path} { return [board::debug $path reset_n] }
proc jtag_debug_sense_clock {path} { return [board::debug $path ticked] }
# The bridge's reset request ends at its own border: no design of ours takes it.
proc jtag_debug_reset_system {path} {
    board::debug $path clock
    return
}
