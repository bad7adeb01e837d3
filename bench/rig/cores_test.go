package rig

import (
	"math"
	"testing"
	"time"
)

func TestLayoutsKeepTheProxyApartWhereThereAreCores(t *testing.T) {
	for _, tt := range []struct {
		name           string
		workers, cores int
		want           Layout
	}{
		{"one of two", 1, 2, Layout{1, "0", "1", "1", false}},
		{"both of two", 2, 2, Layout{2, "0-1", "0-1", "0-1", true}},
		{"more than there are", 4, 2, Layout{2, "0-1", "0-1", "0-1", true}},
		{"two of three", 2, 3, Layout{2, "0-1", "2", "2", false}},
		{"one of four", 1, 4, Layout{1, "0", "1", "2-3", false}},
		{"two of eight", 2, 8, Layout{2, "0-1", "2-4", "5-7", false}},
	} {
		if got := Layouts(tt.workers, tt.cores); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestTicksTakeTheBusiestCore(t *testing.T) {
	before := ticks{0: {all: 100, idle: 50}, 1: {all: 100, idle: 100}, 2: {all: 100}}
	after := ticks{0: {all: 200, idle: 130, tasks: 20}, 1: {all: 200, idle: 110, tasks: 80, stolen: 10}, 2: {all: 200, tasks: 100}}
	s := after.since(before, union("0-1", "1"))
	if math.Abs(s.busiest-0.9) > 1e-9 || s.tasks != 100 || math.Abs(s.stolen-0.05) > 1e-9 {
		t.Errorf("since = %+v; want the second core's 0.9, both cores' 100 ticks, and 10 of 200 stolen", s)
	}
	if got := s.foreign(800 * time.Millisecond); math.Abs(got-0.1) > 1e-9 {
		t.Errorf("foreign = %v; want 20 of 200 ticks, as 80 are known", got)
	}
}

func TestAMeasurementIsVoid(t *testing.T) {
	apart, shared := Running{Layout: Layouts(1, 2)}, Running{Layout: Layouts(2, 2)}
	straight := Running{Layout: Layouts(1, 2), straight: true}
	for _, tt := range []struct {
		name        string
		of          Running
		proxy, load float64
		by          disturbance
		void        bool
	}{
		{"both at their end", apart, 0.99, 0.99, disturbance{}, false},
		{"neither", apart, 0.5, 0.5, disturbance{}, false},
		{"the proxy alone", apart, 0.99, 0.6, disturbance{}, false},
		{"the load alone", apart, 0.80, 0.99, disturbance{}, true},
		{"the load alone, on cores that they share", shared, 0.80, 0.99, disturbance{}, false},
		{"the load alone, where there is no proxy", straight, 0, 1, disturbance{}, false},
		{"somebody else on the proxy's core", apart, 0.99, 0.9, disturbance{onProxy: 0.2}, true},
		{"somebody else on the proxy's core, where there is no proxy", straight, 0.2, 1, disturbance{onProxy: 0.2}, false},
		{"somebody else beside the load", straight, 0, 1, disturbance{anywhere: 0.2}, true},
		{"somebody else where all share", shared, 0.99, 0.99, disturbance{anywhere: 0.2}, true},
		{"a host that is short of cores", shared, 0.99, 0.99, disturbance{stolen: 0.1}, true},
	} {
		m := Measured{Proxy: tt.proxy, Load: tt.load}
		if why := m.void(&tt.of, tt.by); (why != "") != tt.void {
			t.Errorf("%s: void is %q", tt.name, why)
		}
	}
}
