package guard

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"

	"poise/internal/lab/cells"
)

// The sizes.
const (
	Full  = "full"
	Quick = "quick" // shorter runs of one seed, each figure under one policy
)

// A Key names one run.
type Key struct {
	Size   string `json:"size"`
	Figure string `json:"figure"`
	Policy string `json:"policy,omitempty"` // of Poise; the others have one configuration
	Arm    string `json:"arm"`
	Seed   int    `json:"seed"`
}

func (k Key) String() string {
	return fmt.Sprintf("%s %s %s, seed %d", k.Figure, k.Policy, k.Arm, k.Seed)
}

// File implements cells.Key.
func (k Key) File() string {
	return filepath.Join(k.Size, fmt.Sprintf("%s-%s-%s-%d.json", k.Figure, k.Policy, k.Arm, k.Seed))
}

// Cell is a run that was made.
type Cell = cells.Cell[Key]

// identity is a hash of what a cell of this key depends on: the machine, the
// proxy, its configuration, the fault and the times. Bounds are not in it:
// a cell can be judged anew. Nor are lanes: a run that they disturbed is void,
// and the report says how many there were.
func (r *Runner) identity(machine string) func(Key) (string, error) {
	return func(k Key) (string, error) {
		sc := scenario(k.Figure)
		if sc == nil {
			return "", fmt.Errorf("there is no figure %s", k.Figure)
		}
		text, err := configurations.ReadFile(sc.configuration(k.Arm))
		if err != nil {
			return "", err
		}
		program := r.Versions[k.Arm]
		if own(k.Arm) {
			program = r.build
		}
		what, err := json.Marshal([]any{machine, program, string(text), sc.fault(k.Arm), sc.times(k.Size), sc.Rate, sc.Large, sc.Open, slots, large})
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(what)
		return hex.EncodeToString(sum[:8]), nil
	}
}
