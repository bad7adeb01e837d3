package report

import (
	"fmt"
	"slices"
)

// matrix is the loss of all subjects under all scenarios at a glance.
type matrix struct {
	Subjects []string
	Lines    []matrixLine
}

// Height is what the slanted names need, in pixels.
func (m *matrix) Height() int { return 24 + int(0.62*letter*float64(longest(m.Subjects))) }

type matrixLine struct {
	Anchor, Name string
	Cells        []matrixCell
}

type matrixCell struct{ Text, Class, Title string }

func (r *Results) matrix() *matrix {
	if len(r.Scenarios) == 0 {
		return nil
	}
	m := &matrix{Subjects: r.subjects()}
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		line := matrixLine{Anchor: slug(s.Name), Name: s.Name}
		for _, name := range m.Subjects {
			line.Cells = append(line.Cells, s.cell(name))
		}
		m.Lines = append(m.Lines, line)
	}
	return m
}

// cell says how a subject stands: by a number and a sign first, by a colour
// only then.
func (s *Scenario) cell(name string) matrixCell {
	row := s.row(name)
	best, beside, ok := s.Winner()
	switch {
	case row == nil:
		return matrixCell{Text: "·", Class: "mx", Title: "not part of it"}
	case !ok || !row.Loss().known():
		return matrixCell{Text: "–", Class: "mx", Title: "no good run"}
	}
	c := matrixCell{Text: number(row.Loss().Value / best.Loss().Value), Title: fmt.Sprintf("%s under %s: %s ms", name, s.Name, row.Loss())}
	ratio := row.Loss().Value / best.Loss().Value
	switch {
	case row == best:
		c.Text, c.Class = "★ 1", "m0"
	case slices.Contains(beside, row):
		c.Text, c.Class = "≈ "+c.Text, "m1"
	case ratio <= 1.1:
		c.Class = "m2"
	case ratio <= 1.5:
		c.Class = "m3"
	case ratio <= 3:
		c.Class = "m4"
	default:
		c.Class = "m5"
	}
	return c
}
