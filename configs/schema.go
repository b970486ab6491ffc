package configs

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

//go:embed example.yaml
var example []byte

// Example is a config with every key explained, to begin from.
func Example() []byte { return append([]byte(nil), example...) }

// Schema is the JSON Schema of the config, for editors.
func Schema() ([]byte, error) {
	options := &jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[Duration]():  {Type: "string", Pattern: `^(\d+d|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+)$`},
		reflect.TypeFor[SecretRef](): {Type: "string", Pattern: `^(credential|file|env):.+$`},
		reflect.TypeFor[Names](): {OneOf: []*jsonschema.Schema{
			{Type: "string"}, {Type: "array", Items: &jsonschema.Schema{Type: "string"}, MinItems: jsonschema.Ptr(1)},
		}},
	}}
	schema, err := jsonschema.For[Config](options)
	if err != nil {
		return nil, fmt.Errorf("schema of the config: %w", err)
	}
	schema.Title = "stocksyncd config"
	constrain(schema, "")
	text, err := json.MarshalIndent(schema, "", "  ")
	return append(text, '\n'), err
}

// constrain adds what the structs cannot say: words, ranges and forms. No key
// takes null, which would be a key without a value.
func constrain(schema *jsonschema.Schema, key string) {
	if i := slices.Index(schema.Types, "null"); i >= 0 {
		schema.Types = slices.Delete(schema.Types, i, i+1)
		if len(schema.Types) == 1 {
			schema.Type, schema.Types = schema.Types[0], nil
		}
	}
	for _, word := range words[key] {
		schema.Enum = append(schema.Enum, word)
	}
	if limits, ok := ranges[key]; ok {
		schema.Minimum, schema.Maximum = jsonschema.Ptr(float64(limits[0])), jsonschema.Ptr(float64(limits[1]))
	}
	if form := forms[key]; form != nil {
		schema.Pattern = form.String()
	}
	for name, child := range schema.Properties {
		constrain(child, strings.TrimPrefix(key+"."+name, "."))
	}
	if schema.Items != nil {
		constrain(schema.Items, key+"[]")
	}
}
