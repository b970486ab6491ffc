package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// SecretRef says where a secret is to be found: credential:NAME (a file of
// systemd's credentials directory), file:PATH or env:NAME. It is safe to print.
type SecretRef struct{ kind, place string }

// errReference refuses a secret that stands in the config itself. What stands
// there is not repeated: it may be the secret.
var errReference = errors.New("write where the secret is, not the secret: credential:NAME, file:PATH or env:NAME")

// parseSecretRef reads a reference.
func parseSecretRef(text string) (SecretRef, error) {
	kind, place, ok := strings.Cut(text, ":")
	if !ok || place == "" || kind != "credential" && kind != "file" && kind != "env" {
		return SecretRef{}, errReference
	}
	if kind == "credential" && (strings.ContainsAny(place, `/\`) || place == "." || place == "..") {
		return SecretRef{}, errors.New("credential:NAME takes the name of a file in systemd's credentials directory, not a path; write file:PATH for a path")
	}
	return SecretRef{kind, place}, nil
}

func (r SecretRef) String() string { return r.kind + ":" + r.place }

// MarshalText writes the reference, which is no secret.
func (r SecretRef) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Resolve fetches the secret. The error names the place and the next step,
// and never what stood there.
func (r SecretRef) Resolve(getenv func(string) string) (Secret, error) {
	switch r.kind {
	case "env":
		value := getenv(r.place)
		if value == "" {
			return Secret{}, fmt.Errorf("%s: the environment variable is not set", r)
		}
		return r.secret(value)
	case "credential":
		folder := getenv("CREDENTIALS_DIRECTORY")
		if folder == "" {
			return Secret{}, fmt.Errorf("%s: there is no credentials directory: start under systemd with LoadCredential=%s:PATH, or write file:PATH", r, r.place)
		}
		// systemd makes these files, for this service alone.
		value, err := os.ReadFile(filepath.Join(folder, r.place)) // #nosec G304 -- the config names it
		if err != nil {
			return Secret{}, fmt.Errorf("%s: systemd passed no such credential: add LoadCredential=%s:PATH to the unit", r, r.place)
		}
		return r.secret(string(value))
	default:
		return r.file()
	}
}

func (r SecretRef) file() (Secret, error) {
	info, err := os.Stat(r.place)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Secret{}, fmt.Errorf("%s: there is no such file", r)
	case err != nil:
		return Secret{}, fmt.Errorf("%s: %w", r, err)
	case !info.Mode().IsRegular():
		// A pipe would keep us waiting, and a folder must not lose its x.
		return Secret{}, fmt.Errorf("%s: it is not a file", r)
	case info.Mode().Perm()&0o077 != 0:
		return Secret{}, fmt.Errorf("%s: others can read it; run: chmod 600 %s", r, r.place)
	}
	value, err := os.ReadFile(r.place)
	if err != nil {
		return Secret{}, fmt.Errorf("%s: %w", r, err)
	}
	return r.secret(string(value))
}

// secret takes one trailing newline off, as editors and echo leave it.
func (r SecretRef) secret(value string) (Secret, error) {
	value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
	switch {
	case value == "":
		return Secret{}, fmt.Errorf("%s: it is empty", r)
	case strings.ContainsAny(value, "\r\n\x00"):
		return Secret{}, fmt.Errorf("%s: it has more than one line; a key or token is a single one", r)
	}
	if i := strings.IndexFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }); i >= 0 {
		return Secret{}, fmt.Errorf("%s: it holds a space or a character that no key or token has (at byte %d)", r, i+1)
	}
	return Secret{&value}, nil
}

// Secret is a key or token. However it is printed, it shows nothing.
//
// It holds a pointer because fmt does not ask the methods of a value in an
// unexported field: there it prints what is inside, which is an address then.
type Secret struct{ value *string }

const redacted = "[redacted]"

// Reveal gives the secret to the one place that sends it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

func (s Secret) String() string   { return redacted }
func (s Secret) GoString() string { return redacted }

// Format keeps every verb from showing the secret.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText shows nothing; JSON, YAML and slog use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
