package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// Load reads and checks a config file. What is wrong with it is a *[Problems].
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path) // #nosec G304 -- the operator names it
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Problems{File: path, List: []Problem{{Message: "there is no such file; begin with: stocksyncd config example > stocksyncd.yaml"}}}
	}
	if err != nil {
		return nil, &Problems{File: path, List: []Problem{{Message: err.Error()}}}
	}
	config, err := Parse(path, data)
	if err != nil {
		return nil, err
	}
	// Beside the config, wherever a command is run from: two state files for
	// one shop would be two writers that do not know of each other.
	if config.State.Path, err = beside(path, config.State.Path); err != nil {
		return nil, &Problems{File: path, List: []Problem{{Line: config.line("state.path"), Key: "state.path", Message: err.Error()}}}
	}
	return config, nil
}

// beside makes a relative path one below the folder of the config.
func beside(config, path string) (string, error) {
	if filepath.IsAbs(path) {
		return path, nil
	}
	return filepath.Abs(filepath.Join(filepath.Dir(config), path))
}

// Parse checks the content of a config file; name is how messages call it.
func Parse(name string, data []byte) (*Config, error) {
	d := &decoder{problems: Problems{File: name}, lines: map[string]int{}, unread: map[string]bool{}}
	config := defaults()
	config.Path = name
	if root := d.document(data); root != nil {
		d.value(root, reflect.ValueOf(&config).Elem(), "")
		config.lines = d.lines
		config.validate(d)
	}
	if len(d.problems.List) > 0 {
		d.problems.sort()
		return nil, &d.problems
	}
	config.ModeNamed = config.Sync.Mode != ""
	for _, s := range config.Stores {
		config.ModeNamed = config.ModeNamed || s.Mode != ""
	}
	return &config, nil
}

// line is where a key stands, or else the nearest key that holds it.
func (c *Config) line(key string) int {
	for key != "" {
		if line, ok := c.lines[key]; ok {
			return line
		}
		key = holder(key)
	}
	return 0
}

// holder is the key that holds a key: stores[0].name is held by stores[0],
// which is held by stores; "" holds all.
func holder(key string) string { return key[:max(strings.LastIndexAny(key, ".["), 0)] }

// at is a key of a list: stores[0].name.
func at(list string, i int, key string) string {
	if key == "" {
		return fmt.Sprintf("%s[%d]", list, i)
	}
	return fmt.Sprintf("%s[%d].%s", list, i, key)
}
