package sandbox

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

const (
	bulkMost  = 5                  // bulk queries of one app in one store that run at a time
	bulkKept  = 7 * 24 * time.Hour // how long the URL of a result is good
	bulkPlace = "/bulk/"           // where the results are

	// bulkRemembered is how many bulk queries a store knows of. A real one
	// knows more; here their results are all in memory.
	bulkRemembered = 20
)

// bulkOperation is a bulk query. Its result is that of the moment at which it
// completes.
type bulkOperation struct {
	id            int64
	document      string
	base          string // of its URL: where the request came to
	secret        string // the signature of its URL
	status        string
	errorCode     string
	lines         []byte
	partial       bool // the lines are only a part
	objects       int
	roots         int
	createdAt     time.Time
	completedAt   time.Time
	operation     *ast.OperationDefinition
	groupsObjects bool
}

func (o *bulkOperation) over() bool { return !o.completedAt.IsZero() }

// state is the status at a time.
func (o *bulkOperation) state(now time.Time) string {
	if o.status == "COMPLETED" && !now.Before(o.expires()) {
		return "EXPIRED"
	}
	return o.status
}

func (o *bulkOperation) expires() time.Time { return o.completedAt.Add(bulkKept) }

// runBulk is bulkOperationRunQuery.
func (x *execution) runBulk(args map[string]any) object {
	document, _ := args["query"].(string)
	grouped, _ := args["groupObjects"].(bool)
	op, errs := x.s.bulkQuery(document)
	var running []string
	for _, o := range x.s.bulk {
		if !o.over() {
			running = append(running, gid("BulkOperation", o.id))
		}
	}
	if errs == nil && len(running) >= bulkMost {
		errs = []userError{{nil, "OPERATION_IN_PROGRESS", "A bulk query operation for this app and shop is already in progress: " + strings.Join(running, ", ") + "."}}
	}
	if errs != nil {
		return bulkPayload("BulkOperationRunQueryPayload", nil, errs)
	}
	o := &bulkOperation{
		id: x.w.newID(), document: document, base: x.base, secret: "sandbox-signature-" + requestID(), status: "CREATED",
		createdAt: x.now, operation: op, groupsObjects: grouped,
	}
	if len(x.s.bulk) == bulkRemembered {
		x.s.bulk = slices.Delete(x.s.bulk, 0, 1)
	}
	x.s.bulk = append(x.s.bulk, o)
	x.w.schedule(x.s.opts.BulkTakes/2, bulkStep{x.s, o, "RUNNING"})
	x.w.schedule(x.s.opts.BulkTakes, bulkStep{x.s, o, "COMPLETED"})
	return bulkPayload("BulkOperationRunQueryPayload", o, nil)
}

// cancelBulk is bulkOperationCancel.
func (x *execution) cancelBulk(args map[string]any) object {
	text, _ := args["id"].(string)
	o := x.s.bulkByGID(text)
	switch {
	case o == nil:
		return bulkPayload("BulkOperationCancelPayload", nil, []userError{{[]string{"id"}, "", "Bulk operation does not exist"}})
	case o.over():
		message := "A bulk operation cannot be canceled when it is " + strings.ToLower(o.status)
		return bulkPayload("BulkOperationCancelPayload", o, []userError{{nil, "", message}})
	}
	o.status = "CANCELING"
	x.w.schedule(time.Second, bulkStep{x.s, o, "CANCELED"})
	return bulkPayload("BulkOperationCancelPayload", o, nil)
}

func (s *store) bulkByGID(text string) *bulkOperation {
	for _, o := range s.bulk {
		if gid("BulkOperation", o.id) == text {
			return o
		}
	}
	return nil
}

// bulkStep moves a bulk operation on.
type bulkStep struct {
	store  *store
	bulk   *bulkOperation
	status string
}

func (e bulkStep) play(w *World) error {
	s, o := e.store, e.bulk
	canceling := o.status == "CANCELING"
	switch {
	case o.over() || canceling && e.status != "CANCELED":
		return nil
	case e.status == "COMPLETED" && s.bulkStalls > 0:
		s.bulkStalls--
		o.completedAt, o.status = w.stamp(), "CANCELED"
		return nil
	case e.status == "COMPLETED":
		s.completeBulk(o, w.stamp())
		return nil
	case e.status == "CANCELED":
		o.completedAt = w.stamp()
	}
	o.status = e.status
	return nil
}

// completeBulk runs the query and keeps its lines. A failure that was asked
// for leaves half of them as partial data.
func (s *store) completeBulk(o *bulkOperation, now time.Time) {
	x := &execution{w: s.w, s: s, op: o.operation, now: now, bulk: true}
	data, _, ok := x.run()
	o.completedAt, o.status = now, "COMPLETED"
	if !ok || len(x.errs) > 0 {
		o.status, o.errorCode = "FAILED", "ACCESS_DENIED"
		return
	}
	var lines [][]byte
	for _, m := range data {
		lines = o.flatten(lines, m.value, "")
	}
	if !o.groupsObjects {
		dice := rand.New(rand.NewPCG(uint64(o.id), 0xb01c)) // #nosec G115 G404 -- a repeatable game, no secret
		dice.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	}
	if s.bulkFails != "" {
		o.status, o.errorCode, o.partial, s.bulkFails = "FAILED", s.bulkFails, true, ""
		lines = lines[:len(lines)/2]
	}
	o.objects = len(lines)
	o.lines = bytes.Join(lines, nil)
}

// flatten writes every node of a connection as a line of its own, the nodes
// of connections in it with the id of their parent.
func (o *bulkOperation) flatten(lines [][]byte, value any, parent string) [][]byte {
	connection, _ := value.(answer)
	for _, m := range connection {
		edges, _ := m.value.([]any)
		for _, e := range edges {
			edge, _ := e.(answer)
			for _, part := range edge {
				if node, ok := part.value.(answer); ok {
					lines = o.line(lines, node, parent)
				}
			}
		}
	}
	return lines
}

func (o *bulkOperation) line(lines [][]byte, node answer, parent string) [][]byte {
	own, nested := split(node)
	id := ""
	for _, m := range own {
		if m.key == "id" {
			id, _ = m.value.(string)
		}
	}
	if parent == "" {
		o.roots++
	} else {
		own = append(own, member{"__parentId", parent})
	}
	lines = append(lines, append(appendJSON(nil, own), '\n'))
	for _, connection := range nested {
		lines = o.flatten(lines, connection, id)
	}
	return lines
}

// split takes the connections out of an object, however deep they are in it.
func split(node answer) (own answer, nested []any) {
	for _, m := range node {
		inner, ok := m.value.(answer)
		switch {
		case !ok:
			own = append(own, m)
		case slices.ContainsFunc(inner, func(m member) bool { return m.key == "edges" }):
			nested = append(nested, inner)
		default:
			rest, deeper := split(inner)
			own = append(own, member{m.key, rest})
			nested = append(nested, deeper...)
		}
	}
	return own, nested
}

func (o *bulkOperation) path() string {
	return bulkPlace + strconv.FormatInt(o.id, 10) + ".jsonl"
}

// query is the signature that stands behind the path.
func (o *bulkOperation) query() string {
	return "Expires=" + strconv.FormatInt(o.expires().Unix(), 10) + "&Signature=" + o.secret
}

// serveBulk gives out a result. It takes no token: the URL is the secret. A
// request that carries one all the same gives it away, and is refused.
func (s *store) serveBulk(rw http.ResponseWriter, r *http.Request) {
	s.w.lock()
	defer s.w.mu.Unlock()
	refuse := func(status int, code string) { http.Error(rw, "<Error><Code>"+code+"</Code></Error>", status) }
	for _, o := range s.bulk {
		switch {
		case o.path() != r.URL.Path || o.objects == 0:
			continue
		case r.URL.RawQuery != o.query():
			refuse(http.StatusForbidden, "SignatureDoesNotMatch")
		case r.Header.Get("X-Shopify-Access-Token") != "":
			refuse(http.StatusBadRequest, "InvalidArgument")
		case !s.w.now().Before(o.expires()):
			refuse(http.StatusBadRequest, "ExpiredToken")
		default:
			rw.Header().Set("Content-Type", contentJSONL)
			rw.Header().Set("Content-Length", strconv.Itoa(len(o.lines)))
			_, _ = rw.Write(o.lines)
		}
		return
	}
	refuse(http.StatusNotFound, "NoSuchKey")
}

const contentJSONL = "application/jsonl"

type bulkObject struct{ *bulkOperation }

func (bulkObject) kind() string { return "BulkOperation" }

func (o bulkObject) field(x *execution, f *ast.Field, _ map[string]any) (any, error) {
	switch f.Name {
	case "id":
		return gid("BulkOperation", o.id), nil
	case "status":
		return o.state(x.now), nil
	case "type":
		return "QUERY", nil
	case "errorCode":
		return orNull(o.errorCode), nil
	case "createdAt":
		return o.createdAt, nil
	case "completedAt":
		return o.completedAt, nil
	case "objectCount":
		return strconv.Itoa(o.objects), nil
	case "rootObjectCount":
		return strconv.Itoa(o.roots), nil
	case "fileSize":
		if o.objects == 0 {
			return nil, nil
		}
		return strconv.Itoa(len(o.lines)), nil
	case "url", "partialDataUrl":
		if o.objects == 0 || o.partial != (f.Name == "partialDataUrl") {
			return nil, nil
		}
		return o.base + o.path() + "?" + o.query(), nil
	case "query":
		return o.document, nil
	}
	return nil, unknownField(o, f)
}

func bulkPayload(kind string, o *bulkOperation, errs []userError) object {
	list := make([]object, len(errs))
	for i, e := range errs {
		values := map[string]any{"field": e.place(), "message": e.message, "code": orNull(e.code)}
		list[i] = fixed{"BulkOperationUserError", values}
	}
	values := map[string]any{"bulkOperation": nil, "userErrors": list}
	if o != nil {
		values["bulkOperation"] = bulkObject{o}
	}
	return payload{fixed{kind, values}}
}

// BulkFails lets the next bulk query of a store that completes fail, with half
// of its lines as partial data.
type BulkFails struct {
	Store string
	Code  string // "" means "INTERNAL_SERVER_ERROR"
}

func (e BulkFails) play(w *World) error {
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	switch e.Code {
	case "":
		e.Code = "INTERNAL_SERVER_ERROR"
	case "ACCESS_DENIED", "INTERNAL_SERVER_ERROR", "TIMEOUT":
	default:
		return fmt.Errorf("%q is not a code: use ACCESS_DENIED, INTERNAL_SERVER_ERROR or TIMEOUT", e.Code)
	}
	s.bulkFails = e.Code
	return nil
}

// BulkStalls lets Shopify cancel the next bulk queries of a store, as it does
// with those that stall, instead of completing them.
type BulkStalls struct {
	Store string
	Times int // 0 means once
}

func (e BulkStalls) play(w *World) error {
	s, err := w.store(e.Store)
	if err != nil {
		return err
	}
	s.bulkStalls = max(e.Times, 1)
	return nil
}
