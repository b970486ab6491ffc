package sandbox

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// shorten drops the last rows of a page and leaves everything that the answer
// promises about it: X-Pagination's totals, pageInfo with its hasNextPage, or
// the objectCount of a bulk query. It tells how many rows it took; an answer without any stays as it is.
func (f Fault) shorten(api string, answer *heldAnswer) (dropped int) {
	rows := max(f.Rows, 1)
	drop := dropRows
	switch {
	case answer.header.Get("Content-Type") == contentJSONL:
		drop = dropLines
	case isShopify(api):
		drop = dropNodes
	}
	short, dropped := drop(answer.body.Bytes(), rows)
	if dropped > 0 {
		answer.body.Reset()
		answer.body.Write(short)
	}
	return dropped
}

// dropLines shortens the result of a bulk query.
func dropLines(body []byte, rows int) (short []byte, dropped int) {
	if len(body) == 0 {
		return nil, 0
	}
	lines := bytes.SplitAfter(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	rows = min(rows, len(lines))
	return bytes.Join(lines[:len(lines)-rows], nil), rows
}

// lowerTotal takes missing rows out of what X-Pagination promises.
func lowerTotal(header http.Header, missing int) {
	var pagination map[string]string
	if json.Unmarshal([]byte(header.Get("X-Pagination")), &pagination) != nil {
		return
	}
	total, err := strconv.Atoi(pagination["total_records"])
	if err != nil {
		return
	}
	pagination["total_records"] = strconv.Itoa(total - missing)
	if text, err := json.Marshal(pagination); err == nil {
		header.Set("X-Pagination", string(text))
	}
}

// dropRows shortens Katana's {"data": […]}.
func dropRows(body []byte, rows int) (short []byte, dropped int) {
	var page map[string]json.RawMessage
	var data []json.RawMessage
	if json.Unmarshal(body, &page) != nil || json.Unmarshal(page["data"], &data) != nil || len(data) == 0 {
		return nil, 0
	}
	rows = min(rows, len(data))
	list, err := json.Marshal(data[:len(data)-rows])
	if err != nil {
		return nil, 0
	}
	page["data"] = list
	if short, err = json.Marshal(page); err != nil {
		return nil, 0
	}
	return short, rows
}

// dropNodes shortens the outermost GraphQL connection that has nodes.
func dropNodes(body []byte, rows int) (short []byte, dropped int) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // ids must come out as they went in
	var answer map[string]any
	if decoder.Decode(&answer) != nil {
		return nil, 0
	}
	level := []any{answer["data"]}
	for len(level) > 0 {
		var below []any
		for _, value := range level {
			object, ok := value.(map[string]any)
			if !ok {
				list, _ := value.([]any)
				below = append(below, list...)
				continue
			}
			if dropped := shortenConnection(object, rows); dropped > 0 {
				short, err := json.Marshal(answer)
				if err != nil {
					return nil, 0
				}
				return short, dropped
			}
			for _, name := range slices.Sorted(maps.Keys(object)) {
				below = append(below, object[name])
			}
		}
		level = below
	}
	return nil, 0
}

func shortenConnection(object map[string]any, rows int) (dropped int) {
	for _, name := range []string{"nodes", "edges"} {
		if list, ok := object[name].([]any); ok && len(list) > 0 {
			rows = min(rows, len(list))
			object[name] = list[:len(list)-rows]
			return rows
		}
	}
	return 0
}
