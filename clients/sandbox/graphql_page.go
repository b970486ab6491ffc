package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// pagingDepth is how many objects of one connection can be paged through
// unless the options say otherwise.
const pagingDepth = 25_000

// row is a place in a connection. The value is what it is sorted by; it is
// empty where that is the id.
type row struct {
	id    int64
	value string
}

func (r row) before(other row) bool {
	if r.value != other.value {
		return r.value < other.value
	}
	return r.id < other.id
}

// rows are what a connection goes through, sorted.
type rows struct {
	name string // of the connection's nodes, such as "ProductVariant"
	n    int
	at   func(i int) row
	node func(i int) object
}

// rowsOf makes rows of a slice that is in the order of its ids.
func rowsOf[T any](name string, list []T, id func(T) int64, node func(T) object) rows {
	return rows{name, len(list), func(i int) row { return row{id: id(list[i])} }, func(i int) object { return node(list[i]) }}
}

// sorted makes rows of a slice in the order of a value.
func sorted[T any](name string, list []T, id func(T) int64, value func(T) string, node func(T) object) rows {
	keys := make([]row, len(list))
	order := make([]int, len(list))
	for i, one := range list {
		keys[i], order[i] = row{id(one), value(one)}, i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case keys[a].before(keys[b]):
			return -1
		case keys[b].before(keys[a]):
			return 1
		}
		return 0
	})
	return rows{name, len(list), func(i int) row { return keys[order[i]] }, func(i int) object { return node(list[order[i]]) }}
}

// page is the part of a connection that was asked for.
type page struct {
	rows      rows
	backwards bool
	from, to  int
}

// paginate cuts a connection by the arguments first, last, after, before and
// reverse.
func (x *execution) paginate(all rows, args map[string]any) (any, error) {
	p := &page{rows: all, to: all.n}
	p.backwards, _ = args["reverse"].(bool)
	if x.bulk {
		return p, nil
	}
	first, hasFirst := args["first"].(int64)
	last, hasLast := args["last"].(int64)
	switch {
	case !hasFirst && !hasLast:
		return nil, fieldErrorf("BAD_REQUEST", "you must provide one of first or last")
	case hasFirst && hasLast:
		return nil, fieldErrorf("BAD_REQUEST", "providing both first and last is not supported")
	case first < 0 || last < 0:
		return nil, fieldErrorf("BAD_REQUEST", "first and last cannot be negative")
	case first > pageSizeMost || last > pageSizeMost:
		return nil, fieldErrorf("BAD_REQUEST", "first and last cannot exceed %d", pageSizeMost)
	}
	for _, bound := range []struct {
		name string
		set  func(row)
	}{
		{"after", func(c row) { p.from = p.search(func(r row) bool { return p.less(c, r) }) }},
		{"before", func(c row) { p.to = p.search(func(r row) bool { return !p.less(r, c) }) }},
	} {
		text, given := args[bound.name].(string)
		if !given {
			continue
		}
		cursor, err := parseCursor(text)
		if err != nil {
			return nil, fieldErrorf("BAD_REQUEST", "Invalid cursor for current pagination sort.")
		}
		bound.set(cursor)
	}
	p.to = max(p.from, p.to)
	if hasFirst {
		p.to = min(p.to, p.from+int(first))
	} else {
		p.from = max(p.from, p.to-int(last))
	}
	if depth := x.s.opts.PagingDepth; depth > 0 && p.to > depth {
		return nil, fieldErrorf("BAD_REQUEST", "cannot page beyond %d objects of a connection: use a filter or a bulk operation", depth)
	}
	return p, nil
}

func (p *page) less(a, b row) bool {
	if p.backwards {
		return b.before(a)
	}
	return a.before(b)
}

func (p *page) index(i int) int {
	if p.backwards {
		return p.rows.n - 1 - i
	}
	return i
}

func (p *page) search(reached func(row) bool) int {
	return sort.Search(p.rows.n, func(i int) bool { return reached(p.rows.at(p.index(i))) })
}

type cursorText struct {
	LastID    int64  `json:"last_id"`
	LastValue string `json:"last_value"`
}

func (p *page) cursor(i int) string {
	r := p.rows.at(p.index(i))
	value := r.value
	if value == "" {
		value = strconv.FormatInt(r.id, 10)
	}
	text, err := json.Marshal(cursorText{r.id, value})
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(text)
}

func parseCursor(text string) (row, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return row{}, err
	}
	var c cursorText
	if err := json.Unmarshal(decoded, &c); err != nil {
		return row{}, err
	}
	if c.LastValue == strconv.FormatInt(c.LastID, 10) {
		c.LastValue = ""
	}
	return row{c.LastID, c.LastValue}, nil
}

// turn is one reading of a connection without an order: each that begins at its
// first page has another one, and the cursors lead on in it.
type turn uint64

// place is where a thing comes in that order; it begins with the turn.
func (t turn) place(id int64) string {
	mix := (uint64(id) ^ uint64(t)*0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9 // #nosec G115 -- bits to be spread
	return fmt.Sprintf("%016x%016x", uint64(t), mix^mix>>31)
}

func (x *execution) turn(args map[string]any) turn {
	for _, bound := range []string{"after", "before"} {
		text, _ := args[bound].(string)
		cursor, err := parseCursor(text)
		if err != nil || len(cursor.value) < 16 {
			continue
		}
		if t, err := strconv.ParseUint(cursor.value[:16], 16, 64); err == nil {
			return turn(t)
		}
	}
	return turn(x.s.readings)
}

func (p *page) kind() string { return p.rows.name + "Connection" }

func (p *page) field(_ *execution, f *ast.Field, _ map[string]any) (any, error) {
	switch f.Name {
	case "nodes":
		nodes := make([]object, 0, p.to-p.from)
		for i := p.from; i < p.to; i++ {
			nodes = append(nodes, p.rows.node(p.index(i)))
		}
		return nodes, nil
	case "edges":
		edges := make([]object, 0, p.to-p.from)
		for i := p.from; i < p.to; i++ {
			edges = append(edges, edge{p, i})
		}
		return edges, nil
	case "pageInfo":
		return pageInfo{p}, nil
	}
	return nil, unknownField(p, f)
}

func unknownField(o object, f *ast.Field) error {
	return fieldErrorf("INTERNAL_SERVER_ERROR", "the sandbox does not answer %s.%s", o.kind(), f.Name)
}

type edge struct {
	page *page
	i    int
}

func (e edge) kind() string { return e.page.rows.name + "Edge" }

func (e edge) field(_ *execution, f *ast.Field, _ map[string]any) (any, error) {
	switch f.Name {
	case "cursor":
		return e.page.cursor(e.i), nil
	case "node":
		return e.page.rows.node(e.page.index(e.i)), nil
	}
	return nil, unknownField(e, f)
}

type pageInfo struct{ page *page }

func (pageInfo) kind() string { return "PageInfo" }

func (i pageInfo) field(_ *execution, f *ast.Field, _ map[string]any) (any, error) {
	p := i.page
	switch f.Name {
	case "hasNextPage":
		return p.to < p.rows.n, nil
	case "hasPreviousPage":
		return p.from > 0, nil
	}
	if p.from == p.to {
		return nil, nil
	}
	switch f.Name {
	case "startCursor":
		return p.cursor(p.from), nil
	case "endCursor":
		return p.cursor(p.to - 1), nil
	}
	return nil, unknownField(i, f)
}
