package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problems is everything that is wrong with a config file.
type Problems struct {
	File string
	List []Problem // in the order of lines
}

// Problem is one mistake and what would be right.
type Problem struct {
	Line    int // 0 when it is about the whole file
	Key     string
	Message string
}

func (p *Problems) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d problem", p.File, len(p.List))
	if len(p.List) != 1 {
		b.WriteByte('s')
	}
	for _, one := range p.List {
		b.WriteString("\n  " + one.String())
	}
	return b.String()
}

func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	return b.String() + p.Message
}

func (p *Problems) sort() {
	slices.SortStableFunc(p.List, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
}
