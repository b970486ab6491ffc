package configs

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"

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
	text, err := json.MarshalIndent(schema, "", "  ")
	return append(text, '\n'), err
}
