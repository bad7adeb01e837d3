package config

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// Env is where ${…} finds its values. A nil function finds nothing.
type Env struct {
	Lookup   func(string) (string, bool)  // ${VAR}
	ReadFile func(string) ([]byte, error) // ${file:PATH}
}

// ProcessEnv is the environment and the files of this process.
func ProcessEnv() Env { return Env{Lookup: os.LookupEnv, ReadFile: readSecret} }

const (
	mostSecret   = 64 << 10 // bytes of a file that is taken into a scalar
	mostExpanded = MostText // bytes that all ${…} of a document may add
)

// readSecret reads a file that ${file:PATH} names. A pipe or a device might
// never end, or never begin.
func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	return readAtMost(path, mostSecret)
}

// ReadFile reads the text of a document. What is longer than MostText is cut
// one byte behind it, which Parse then refuses.
func ReadFile(path string) ([]byte, error) { return readAtMost(path, MostText) }

func readAtMost(path string, most int64) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, most+1))
}

// expander replaces ${VAR}, ${VAR:-x} and ${file:PATH} in the text of
// scalars; $$ is a dollar. It is done after parsing: a value can neither
// change the structure of the document nor hold another ${…}.
type expander struct {
	env  Env
	left int // bytes that may still be added
}

// expand returns a scalar's text with its references replaced, and whether
// any of it came from a file.
func (e *expander) expand(text string) (expanded string, fromFile bool, err error) {
	var b strings.Builder
	for {
		i := strings.IndexByte(text, '$')
		if i < 0 || i+1 == len(text) {
			b.WriteString(text)
			return b.String(), fromFile, nil
		}
		b.WriteString(text[:i])
		text = text[i+1:]
		switch text[0] {
		case '$':
			b.WriteByte('$')
			text = text[1:]
		case '{':
			reference, rest, closed := strings.Cut(text[1:], "}")
			if !closed {
				return "", false, fmt.Errorf("${ without }; write $$ for a dollar")
			}
			value, err := e.value(reference)
			if err != nil {
				return "", false, err
			}
			fromFile = fromFile || strings.HasPrefix(reference, "file:")
			b.WriteString(value)
			text = rest
		default:
			b.WriteByte('$')
		}
	}
}

func (e *expander) value(reference string) (string, error) {
	value, err := e.lookup(reference)
	if e.left -= len(value); err == nil && e.left < 0 {
		err = fmt.Errorf("the ${…} of this document add more than %d MiB", mostExpanded>>20)
	}
	return value, err
}

func (e *expander) lookup(reference string) (string, error) {
	if path, ok := strings.CutPrefix(reference, "file:"); ok {
		return e.file(path)
	}
	name, fallback, hasFallback := strings.Cut(reference, ":-")
	switch {
	case !variableName(name):
		return "", fmt.Errorf("${%s}: %q is no name of a variable; write ${NAME}, ${NAME:-default} or ${file:/path}", reference, name)
	case strings.Contains(fallback, "${"):
		return "", fmt.Errorf("${%s}: a default cannot hold another ${", reference)
	}
	if e.env.Lookup != nil {
		if v, ok := e.env.Lookup(name); ok && (v != "" || !hasFallback) {
			return v, nil
		}
	}
	if !hasFallback {
		return "", fmt.Errorf("the variable %s is not set; set it, or write ${%s:-default}", name, name)
	}
	return fallback, nil
}

func (e *expander) file(path string) (string, error) {
	if e.env.ReadFile == nil {
		return "", fmt.Errorf("${file:%s}: files cannot be read here", path)
	}
	content, err := e.env.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("${file:%s}: %w", path, err)
	}
	if len(content) > mostSecret {
		return "", fmt.Errorf("${file:%s}: the file is larger than 64 KiB", path)
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}

func variableName(s string) bool {
	digits := strings.TrimLeft(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
	return len(digits) < len(s) && strings.Trim(digits, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") == ""
}
