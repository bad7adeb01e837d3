package config

import (
	"fmt"
	"os"
	"strings"
)

// Env is where ${…} finds its values.
type Env struct {
	Lookup   func(string) (string, bool)  // ${VAR}
	ReadFile func(string) ([]byte, error) // ${file:PATH}
}

// ProcessEnv is the environment and the files of this process.
func ProcessEnv() Env { return Env{Lookup: os.LookupEnv, ReadFile: os.ReadFile} }

// mostSecret bounds a file that is taken into a scalar, in bytes.
const mostSecret = 64 << 10

// expand replaces ${VAR}, ${VAR:-x} and ${file:PATH} in the text of a scalar;
// $$ is a dollar. It is done after parsing: a value can neither change the
// structure of the document nor hold another ${…}.
func (e Env) expand(text string) (string, error) {
	if !strings.Contains(text, "$") {
		return text, nil
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(text, '$')
		if i < 0 || i+1 == len(text) {
			b.WriteString(text)
			return b.String(), nil
		}
		b.WriteString(text[:i])
		switch text[i+1] {
		case '$':
			b.WriteByte('$')
			text = text[i+2:]
		case '{':
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				return "", fmt.Errorf("${ without }; write $$ for a dollar")
			}
			v, err := e.value(text[i+2 : i+end])
			if err != nil {
				return "", err
			}
			b.WriteString(v)
			text = text[i+end+1:]
		default:
			b.WriteByte('$')
			text = text[i+1:]
		}
	}
}

func (e Env) value(reference string) (string, error) {
	if path, ok := strings.CutPrefix(reference, "file:"); ok {
		content, err := e.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("${file:%s}: %w", path, err)
		}
		if len(content) > mostSecret {
			return "", fmt.Errorf("${file:%s}: the file is larger than 64 KiB", path)
		}
		return strings.TrimRight(string(content), "\r\n"), nil
	}
	name, fallback, hasFallback := strings.Cut(reference, ":-")
	if v, ok := e.Lookup(name); ok && (v != "" || !hasFallback) {
		return v, nil
	}
	if !hasFallback {
		return "", fmt.Errorf("the variable %s is not set; set it, or write ${%s:-default}", name, name)
	}
	return fallback, nil
}
