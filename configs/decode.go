package configs

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decoder puts a document into a config and goes on after every mistake, so
// that all of them are reported at once. It reads scalars as they are written:
// 010 stays "010" where a text is wanted.
type decoder struct {
	problems Problems
	lines    map[string]int
	unread   map[string]bool // blocks and lists that are something else: nothing below them can be judged
}

func (d *decoder) problem(line int, key, format string, args ...any) {
	d.problems.List = append(d.problems.List, Problem{Line: line, Key: key, Message: fmt.Sprintf(format, args...)})
}

// document reads the one document of a file.
func (d *decoder) document(data []byte) *yaml.Node {
	reader := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc yaml.Node
	if err := reader.Decode(&doc); errors.Is(err, io.EOF) {
		d.problem(0, "", "it is empty; begin with: stocksyncd config example")
		return nil
	} else if err != nil {
		d.syntax(err)
		return nil
	}
	var second yaml.Node
	if err := reader.Decode(&second); err != nil && !errors.Is(err, io.EOF) {
		d.syntax(err)
	} else if err == nil {
		d.problem(second.Line, "", "a second document (or a stray ---) follows; one file is one config")
	}
	if len(doc.Content) != 1 {
		d.problem(0, "", "it is empty; begin with: stocksyncd config example")
		return nil
	}
	return doc.Content[0]
}

var (
	syntaxForm = regexp.MustCompile(`(?s)^(?:yaml: )?(?:line (\d+): )?(.*)$`)
	anchorForm = regexp.MustCompile(`(?s)anchor '.*'`)
)

// syntax reports what the parser stumbled over. The name of an anchor is not
// repeated: a secret that begins with * looks like one.
func (d *decoder) syntax(err error) {
	parts := syntaxForm.FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(parts[1]) // none is 0
	d.problem(line, "", "not YAML: %s", anchorForm.ReplaceAllString(parts[2], "anchor"))
}

// value puts a node into a Go value. key names it in messages.
func (d *decoder) value(node *yaml.Node, into reflect.Value, key string) {
	d.lines[key] = node.Line
	switch {
	case node.Kind == yaml.AliasNode:
		d.problem(node.Line, key, "aliases are not taken; write the value")
		return
	case node.Kind == yaml.ScalarNode && node.Tag == "!!null":
		d.problem(node.Line, key, "it has no value; write one, or leave the key out")
		return
	}
	switch target := into.Addr().Interface().(type) {
	case **SecretRef:
		if text, ok := d.scalar(node, key, "a reference: credential:NAME, file:PATH or env:NAME"); ok {
			ref, err := parseSecretRef(text)
			if err != nil {
				d.problem(node.Line, key, "%s", err)
			}
			*target = &ref
		}
	case *Duration:
		if text, ok := d.scalar(node, key, "a duration such as 30s, 10m, 24h or 90d"); ok {
			var err error
			if *target, err = parseDuration(text); err != nil {
				d.problem(node.Line, key, "%s", err)
			}
		}
	case *Names:
		d.names(node, target, key)
	default:
		d.plain(node, into, key)
	}
}

func (d *decoder) plain(node *yaml.Node, into reflect.Value, key string) {
	switch into.Kind() {
	case reflect.Struct:
		d.mapping(node, into, key)
	case reflect.Slice:
		d.sequence(node, into, key)
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.plain(node, into.Elem(), key)
	case reflect.String:
		if text, ok := d.scalar(node, key, "a text"); ok {
			into.SetString(text)
		}
	case reflect.Bool:
		d.boolean(node, into, key)
	default: // the integers
		d.integer(node, into, key)
	}
}

// scalar gives the text of a node as it is written.
func (d *decoder) scalar(node *yaml.Node, key, want string) (string, bool) {
	if node.Kind != yaml.ScalarNode {
		d.problem(node.Line, key, "here is %s; want %s", kindOf(node), want)
		return "", false
	}
	return node.Value, true
}

func (d *decoder) boolean(node *yaml.Node, into reflect.Value, key string) {
	if node.Kind == yaml.ScalarNode && (node.Value == "true" || node.Value == "false") && node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
		into.SetBool(node.Value == "true")
		return
	}
	d.problem(node.Line, key, "%s is neither true nor false", shown(node))
}

// integer takes plain decimal digits only: 010 is ten to people and eight to
// YAML, so it is neither; "10" in quotes is a text.
func (d *decoder) integer(node *yaml.Node, into reflect.Value, key string) {
	n, err := strconv.ParseInt(node.Value, 10, 64)
	if node.Kind != yaml.ScalarNode || node.Tag != "!!int" || err != nil || strconv.FormatInt(n, 10) != node.Value || into.OverflowInt(n) {
		d.problem(node.Line, key, "%s is not a whole number", shown(node))
		return
	}
	into.SetInt(n)
}

func (d *decoder) sequence(node *yaml.Node, into reflect.Value, key string) {
	if node.Kind != yaml.SequenceNode {
		d.problem(node.Line, key, "here is %s; want a list", kindOf(node))
		d.unread[key] = true
		return
	}
	for i, child := range node.Content {
		element := reflect.New(into.Type().Elem()).Elem()
		if store, ok := element.Addr().Interface().(*Store); ok {
			*store = defaultStore()
		}
		d.value(child, element, fmt.Sprintf("%s[%d]", key, i))
		into.Set(reflect.Append(into, element))
	}
}

func (d *decoder) mapping(node *yaml.Node, into reflect.Value, key string) {
	if node.Kind != yaml.MappingNode {
		d.problem(node.Line, key, "here is %s; want keys and values", kindOf(node))
		d.unread[key] = true
		return
	}
	fields := fieldsOf(into.Type())
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, child := node.Content[i], node.Content[i+1]
		path := name.Value
		if key != "" {
			path = key + "." + name.Value
		}
		index, known := fields.index[name.Value]
		switch line, twice := seen[name.Value]; {
		case !known:
			d.problem(name.Line, path, "unknown key%s", fields.suggest(name.Value))
		case twice:
			d.problem(name.Line, path, "it stands twice; the first is in line %d", line)
		default:
			d.value(child, into.Field(index), path)
			d.lines[path] = name.Line
		}
		seen[name.Value] = name.Line
	}
}

// Names is the name of one location, or several.
type Names []string

func (d *decoder) names(node *yaml.Node, into *Names, key string) {
	if node.Kind == yaml.ScalarNode {
		*into = Names{node.Value}
		return
	}
	d.sequence(node, reflect.ValueOf((*[]string)(into)).Elem(), key)
}

func kindOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a block of keys"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}

// shown repeats what a node holds, for a message. It is never used of secrets.
func shown(node *yaml.Node) string {
	if node.Kind != yaml.ScalarNode {
		return kindOf(node)
	}
	return strconv.Quote(node.Value)
}

type fields struct {
	index map[string]int
	names []string
}

func fieldsOf(t reflect.Type) fields {
	f := fields{index: map[string]int{}}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		f.index[name] = i
		f.names = append(f.names, name)
	}
	return f
}

// suggest names the key that was probably meant, or all there are.
func (f fields) suggest(name string) string {
	best, distance := "", 3 // more than two slips are another word
	for _, known := range f.names {
		if n := slips(name, known); n < distance {
			best, distance = known, n
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %s?", best)
	}
	return "; known here: " + strings.Join(f.names, ", ")
}

// slips is the number of letters to insert, drop or change from a to b.
func slips(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
