package config

import (
	"reflect"
	"strings"
)

// fieldInfo is what the tags of a field say.
type fieldInfo struct {
	index    int
	key      string
	doc      string
	fallback string // default
	enum     []string
	later    string
	required string // hint for when it is missing
	short    bool
	secret   bool
	kind     reflect.Type
}

func fieldsOf(t reflect.Type) []fieldInfo {
	var all []fieldInfo
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		info := fieldInfo{
			index: i, key: f.Tag.Get("yaml"), doc: f.Tag.Get("doc"), fallback: f.Tag.Get("default"),
			later: f.Tag.Get("later"), required: f.Tag.Get("required"), short: f.Tag.Get("short") == "true", secret: f.Tag.Get("secret") == "true", kind: f.Type,
		}
		if e := f.Tag.Get("enum"); e != "" {
			info.enum = strings.Split(e, ",")
		}
		all = append(all, info)
	}
	return all
}

func keysOf(fields []fieldInfo) []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return keys
}

// setDefaults gives every field of a struct, and of the structs in it, its
// default. Pointers stay nil: what they stand for is off unless written.
func setDefaults(v reflect.Value) {
	if v.Kind() != reflect.Struct {
		return
	}
	for _, f := range fieldsOf(v.Type()) {
		field := v.Field(f.index)
		switch {
		case field.Kind() == reflect.Struct:
			setDefaults(field)
		case f.fallback == "":
		case field.Kind() == reflect.Slice:
			field.Set(reflect.ValueOf(strings.Split(f.fallback, ",")))
		default:
			if err := setScalar(field, f.fallback); err != nil {
				panic("default of " + f.key + ": " + err.Error())
			}
		}
	}
}

// eachField calls f for every field that a value holds, with its path, from
// the top down.
func eachField(v reflect.Value, path string, f func(path string, info fieldInfo, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachField(v.Elem(), path, f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachField(v.Index(i), indexed(path, i), f)
		}
	case reflect.Struct:
		for _, info := range fieldsOf(v.Type()) {
			f(join(path, info.key), info, v.Field(info.index))
			eachField(v.Field(info.index), join(path, info.key), f)
		}
	}
}
