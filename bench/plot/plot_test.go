package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestScaleHasFewRoundSteps(t *testing.T) {
	for _, tt := range []struct{ hi, most, step float64 }{
		{0, 1, 1}, {4.2, 5, 1}, {5, 5, 1}, {17, 20, 5}, {61, 80, 20}, {0.083, 0.1, 0.02}, {1001, 1500, 500},
	} {
		most, step := scale([]Row{{Values: []Value{{Median: tt.hi / 2, Hi: tt.hi}}}, {Values: []Value{{Median: tt.hi, Hi: math.Inf(1)}}}, {Values: []Value{{Median: 1e9, Missing: "void"}}}}, 0)
		if math.Abs(most-tt.most) > 1e-9 || math.Abs(step-tt.step) > 1e-9 {
			t.Errorf("up to %v: scale to %v by %v, want %v by %v", tt.hi, most, step, tt.most, tt.step)
		}
	}
}

func TestChartIsWellFormedAndShowsEveryRow(t *testing.T) {
	c := Chart{Title: "a < b & c", Columns: []string{"us", "ms"}, Panels: []Panel{{Title: "small", Rows: []Row{
		{Name: "poise", Strong: true, Values: []Value{{Median: 17.3, Lo: 16, Hi: 18}, {Median: math.NaN(), Missing: "void"}}},
		{Name: "<other>", Values: []Value{{Median: 50, Lo: math.Inf(-1), Hi: math.Inf(1)}, {Median: 12345, Lo: 1, Hi: 2}}},
	}}}}
	var b strings.Builder
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	circles, text := 0, ""
	for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, b.String())
		}
		switch v := token.(type) {
		case xml.StartElement:
			if v.Name.Local == "circle" {
				circles++
			}
			for _, a := range v.Attr {
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("%s has %s=%q", v.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.CharData:
			text += string(v)
		}
	}
	if circles != 3 {
		t.Errorf("%d dots, want one for each of 3 values", circles)
	}
	for _, want := range []string{"a < b & c", "<other>", "17.3", "void", "12.3k"} {
		if !strings.Contains(text, want) {
			t.Errorf("the chart lacks %q", want)
		}
	}
}
