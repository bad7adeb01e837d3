package config

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// Schema returns the JSON Schema (draft 2020-12) of a document, for editors.
// It is made from the same definitions that decode one.
func Schema() []byte {
	s := schemaOf(reflect.TypeFor[Config](), fieldInfo{})
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Poise configuration"
	s["patternProperties"] = map[string]any{"^x-": true}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("schema: " + err.Error()) // maps and strings only
	}
	return append(text, '\n')
}

type object = map[string]any

// reference is what a scalar may hold instead of its value: ${…} is expanded
// when the document is read.
var reference = object{"type": "string", "pattern": `\$\{`}

func schemaOf(t reflect.Type, f fieldInfo) object {
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem(), f)
	case reflect.Slice:
		return object{"type": "array", "items": schemaOf(t.Elem(), fieldInfo{enum: f.enum})}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": object{"type": []string{"string", "number", "boolean"}}}
	case reflect.Struct:
		return structSchema(t)
	}
	return scalarSchema(t, f)
}

func structSchema(t reflect.Type) object {
	properties, short := object{}, object(nil)
	var required []string
	for _, f := range fieldsOf(t) {
		if f.later != "" {
			properties[f.key] = object{"not": object{}, "description": "not built yet: belongs to " + f.later}
			continue
		}
		p := schemaOf(f.kind, f)
		if f.doc != "" {
			p["description"] = f.doc
		}
		if f.fallback != "" {
			p["default"] = f.fallback
		}
		properties[f.key] = p
		if f.required != "" {
			required = append(required, f.key)
		}
		if f.short {
			short = schemaOf(f.kind, f)
		}
	}
	s := object{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		s["required"] = required
	}
	if short != nil {
		return object{"anyOf": []object{short, s}}
	}
	return s
}

func scalarSchema(t reflect.Type, f fieldInfo) object {
	switch t {
	case reflect.TypeFor[Duration]():
		return either(object{"type": "string", "pattern": `^([0-9.]+(ns|us|µs|ms|s|m|h))+$|^0$|\$\{`}, object{"const": 0})
	case reflect.TypeFor[Size]():
		return either(object{"type": "string", "pattern": `^[0-9]+ ?(KiB|MiB|GiB|kB|MB|GB|B)?$|\$\{`}, object{"type": "integer", "minimum": 0})
	case reflect.TypeFor[Share]():
		return either(object{"type": "string", "pattern": `^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?) ?%$|^(0(\.[0-9]+)?|1(\.0+)?)$|\$\{`}, object{"type": "number", "minimum": 0, "maximum": 1})
	case reflect.TypeFor[OnOff]():
		return object{"enum": []any{"on", "off", "yes", "no", "true", "false", true, false}}
	}
	switch t.Kind() {
	case reflect.Int:
		if f.enum != nil {
			var values []any
			for _, e := range f.enum {
				n, _ := strconv.Atoi(e)
				values = append(values, n, e)
			}
			return object{"enum": values}
		}
		return either(object{"type": "integer"}, reference)
	case reflect.Float64:
		return either(object{"type": "number"}, reference)
	case reflect.Bool:
		return either(object{"type": "boolean"}, reference)
	}
	if f.enum != nil {
		var values []any
		for _, e := range f.enum {
			values = append(values, e)
			if n, err := strconv.Atoi(e); err == nil {
				values = append(values, n)
			}
		}
		return either(object{"enum": values}, reference)
	}
	return object{"type": []string{"string", "number", "boolean"}}
}

func either(a, b object) object { return object{"anyOf": []object{a, b}} }
