package rig

import "testing"

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
