package sandbox

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// eventKinds are the words that a line of text can start with.
var eventKinds = map[string]Event{
	"order":           OrderPlaced{},
	"paid":            OrderPaid{},
	"import":          OrderImported{},
	"pack":            OrderPacked{},
	"deliver":         OrderDelivered{},
	"cancel":          OrderCancelled{},
	"refund":          OrderRefunded{},
	"edit-order":      OrderEdited{},
	"move-order":      OrderMoved{},
	"sales-order":     SalesOrderPlaced{},
	"make":            MakeOrderPlaced{},
	"made":            MakeOrderDone{},
	"unmake":          MakeOrderDeleted{},
	"adjust":          StockAdjusted{},
	"archive":         ItemArchived{},
	"delete":          ItemDeleted{},
	"sku":             SKUChanged{},
	"bom":             BOMChanged{},
	"delete-location": KatanaLocationDeleted{},
	"rename-location": LocationRenamed{},
	"sales":           SalesSwitched{},
	"edit":            HandEdit{},
	"app":             AppWrites{},
	"katana-sync":     KatanaWrites{},
	"level":           LevelSwitched{},
	"edits-undated":   EditsUndated{},
	"tracking":        TrackingSwitched{},
	"location":        LocationSwitched{},
	"delist":          ListingDeleted{},
	"shop":            ShopSwitched{},
	"revoke":          TokenRevoked{},
	"scopes":          ScopesChanged{},
	"keys-busy":       KeysBusy{},
	"bulk-fails":      BulkFails{},
	"bulk-stalls":     BulkStalls{},
}

func eventName(e Event) string {
	for name, kind := range eventKinds {
		if reflect.TypeOf(kind) == reflect.TypeOf(e) {
			return name
		}
	}
	return "follow-up"
}

// ParseEvent reads an event from a line of words: a kind, then fields of the
// event's type as name=value, in any order and any case. A flag is its bare
// name. A value with spaces is put in double quotes. Fields of Import are
// written import.NAME; lines are line=SKU*QUANTITY, repeated as needed.
//
//	order order=#1001 location=Oslo line=MUG-BLUE-350*2 unpaid import.after=5m import.each=20s
//	pack order=#1001 line=MUG-BLUE-350*1
//	adjust sku=CANDLE-FIG location="Main workshop" by=-1.5
//	edit store=main sku=MUG-BLUE-350 location=Oslo available=12
//
// The kinds are those that EventKinds lists.
func ParseEvent(line string) (Event, error) {
	words, err := splitWords(line)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("an empty line is no event: start with one of %s", strings.Join(EventKinds(), ", "))
	}
	kind, ok := eventKinds[strings.ToLower(words[0])]
	if !ok {
		return nil, fmt.Errorf("%q is not an event: use one of %s", words[0], strings.Join(EventKinds(), ", "))
	}
	event := reflect.New(reflect.TypeOf(kind)).Elem()
	for _, word := range words[1:] {
		name, value, given := strings.Cut(word, "=")
		field := fieldNamed(event, name)
		if !field.IsValid() {
			return nil, fmt.Errorf("%s has no %q: it has %s", words[0], name, strings.Join(fieldNames(event.Type(), ""), ", "))
		}
		if err := setField(field, value, given); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", words[0], name, err)
		}
	}
	return event.Interface().(Event), nil
}

// EventKinds lists the words that ParseEvent takes first, sorted.
func EventKinds() []string {
	var kinds []string
	for kind := range eventKinds {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// splitWords cuts at white space outside of double quotes and takes the
// quotes off.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted, started := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, started = !quoted, true
		case unicode.IsSpace(r) && !quoted:
			if started {
				words = append(words, word.String())
				word.Reset()
				started = false
			}
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed in %q", line)
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

// fieldNamed finds a field in any case; "line" stands for Lines.
func fieldNamed(event reflect.Value, name string) reflect.Value {
	first, rest, deeper := strings.Cut(name, ".")
	field := event.FieldByNameFunc(func(field string) bool {
		return strings.EqualFold(field, first) || field == "Lines" && strings.EqualFold(first, "line")
	})
	if !field.IsValid() || deeper != (field.Kind() == reflect.Struct) {
		return reflect.Value{}
	}
	if deeper {
		return fieldNamed(field, rest)
	}
	return field
}

func fieldNames(event reflect.Type, prefix string) []string {
	var names []string
	for i := range event.NumField() {
		field := event.Field(i)
		name := prefix + strings.ToLower(field.Name)
		switch {
		case field.Type.Kind() == reflect.Struct:
			names = append(names, fieldNames(field.Type, name+".")...)
		case field.Name == "Lines":
			names = append(names, "line")
		default:
			names = append(names, name)
		}
	}
	return names
}

func setField(field reflect.Value, value string, given bool) error {
	if field.Kind() == reflect.Bool && !given {
		field.SetBool(true)
		return nil
	}
	if !given {
		return fmt.Errorf("give a value after =")
	}
	switch field.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return fmt.Errorf("%q is not a duration such as 90s or 5m", value)
		}
		field.SetInt(int64(d))
	case int:
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", value)
		}
		field.SetInt(n)
	case bool:
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", value)
		}
		field.SetBool(on)
	case []Line:
		line := Line{SKU: value, Quantity: "1"}
		if i := strings.LastIndex(value, "*"); i >= 0 {
			line = Line{SKU: value[:i], Quantity: value[i+1:]}
		}
		field.Set(reflect.Append(field, reflect.ValueOf(line)))
	case []string:
		field.Set(reflect.ValueOf(strings.Split(value, ",")))
	default:
		field.SetString(value)
	}
	return nil
}
