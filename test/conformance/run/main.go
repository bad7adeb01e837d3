// Command run holds Poise, nginx, HAProxy and Caddy against the conformance
// suite, prints the table, and writes docs/evidence/conformance.json and
// conformance.md. It exits 1 unless Poise does all that the cases want, and
// there are as many of them as the issue asks for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"poise/bench/rig"
	"poise/test/conformance"
)

func main() {
	only := flag.String("only", "poise,nginx,haproxy,caddy", "the proxies to play, separated by commas; evidence is written for all four only")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "poise-conformance-")
	if err == nil {
		err = run(ctx, dir, strings.Split(*only, ","))
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, names []string) error {
	bin, err := rig.Build(ctx, dir, "./cmd/poise")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // nginx and HAProxy may give their rights up
		return err
	}
	cases := conformance.Cases()
	var runs []conformance.Run
	for _, name := range names {
		r, err := play(ctx, name, bin, dir, cases)
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	fmt.Println()
	conformance.Table(os.Stdout, runs, cases)
	fmt.Println("\nrequirements that no case shows:")
	conformance.Uncovered(os.Stdout, cases)
	if err := write(runs, cases, len(names) == 4); err != nil {
		return err
	}
	return judge(runs, cases)
}

func play(ctx context.Context, name, bin, dir string, cases []conformance.Case) (conformance.Run, error) {
	var p conformance.Proxy
	switch name {
	case "poise":
		p = conformance.Poise(bin, rig.Commit())
	case "nginx", "haproxy", "caddy":
		if err := rig.Install(ctx, name); err != nil {
			return notRun(name, err), nil
		}
		p = map[string]func() conformance.Proxy{"nginx": conformance.Nginx, "haproxy": conformance.HAProxy, "caddy": conformance.Caddy}[name]()
	default:
		return conformance.Run{}, fmt.Errorf("no proxy %q; use poise, nginx, haproxy or caddy", name)
	}
	fmt.Printf("%s %s: %d cases", p.Name, p.Version, len(cases))
	began := time.Now()
	verdicts, err := conformance.Play(ctx, p, dir, cases)
	switch {
	case err != nil && (name == "poise" || ctx.Err() != nil):
		return conformance.Run{}, err
	case err != nil:
		fmt.Println()
		return notRun(name, err), nil
	}
	r := conformance.Run{Proxy: p, Verdicts: verdicts}
	if name == "poise" {
		r.Failed = conformance.Scenarios(ctx, bin, dir)
	}
	r.Took = time.Since(began)
	fmt.Printf(", %v\n", r.Took.Round(time.Second))
	return r, nil
}

// notRun says so loudly; the others are still played.
func notRun(name string, err error) conformance.Run {
	fmt.Fprintf(os.Stderr, "conformance: %s: NOT-RUN: %v\n", name, err)
	return conformance.Run{Proxy: conformance.Proxy{Name: name}, NotRun: strings.ReplaceAll(err.Error(), "\n", " ")}
}

func write(runs []conformance.Run, cases []conformance.Case, evidence bool) error {
	if err := os.MkdirAll("bin", 0o755); err != nil {
		return err
	}
	details := filepath.Join("bin", "conformance-details.txt")
	if err := conformance.WriteDetails(details, runs, cases); err != nil {
		return err
	}
	fmt.Println("\nbytes of every case that is not as wanted:", details)
	if !evidence {
		return nil
	}
	now, where := time.Now(), machine()
	if err := conformance.WriteJSON("docs/evidence/conformance.json", now, where, runs, cases); err != nil {
		return err
	}
	var page strings.Builder
	conformance.WriteSummary(&page, now, where, runs, cases)
	return os.WriteFile("docs/evidence/conformance.md", []byte(page.String()), 0o644)
}

func machine() string {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%d cores, Linux %s, %s", runtime.NumCPU(), strings.TrimSpace(string(kernel)), runtime.Version())
}

// judge is about Poise alone.
func judge(runs []conformance.Run, cases []conformance.Case) error {
	for i := range runs {
		if runs[i].Proxy.Name != "poise" {
			continue
		}
		if unmet := runs[i].Unmet(cases); len(unmet) > 0 {
			return fmt.Errorf("poise is not as wanted in %d cases:\n%s", len(unmet), strings.Join(unmet, "\n"))
		}
		n := runs[i].Count(cases)
		if why := n.Figures().Short(); why != "" {
			return fmt.Errorf("poise: %s", why)
		}
		fmt.Println("poise: no ambiguous forward, every odd message with its meaning, every hostile one as wanted")
	}
	return nil
}
