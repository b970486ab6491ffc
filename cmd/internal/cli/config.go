package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"stocksyncd/configs"
)

// usualConfigs is where a config is looked for without --config.
var usualConfigs = []string{"/etc/stocksyncd/config.yaml", "./stocksyncd.yaml"}

// configPath is the file that --config names, or the first usual one there is.
func (a *app) configPath() (string, error) {
	if a.config != "" {
		return a.config, nil
	}
	for _, path := range usualConfigs {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
	}
	return "", usageError{fmt.Errorf("no config: neither %s is there; begin with `stocksyncd config example`, or name one with --config", strings.Join(usualConfigs, " nor "))}
}

// loadConfig reads the config; whatever is wrong with it is a usage error.
func (a *app) loadConfig() (*configs.Config, error) {
	path, err := a.configPath()
	if err != nil {
		return nil, err
	}
	cfg, err := configs.Load(path)
	if err != nil {
		return nil, usageError{err}
	}
	return cfg, nil
}

// noteModes says that nothing is written because no mode is named.
func (a *app) noteModes(cfg *configs.Config) {
	if !cfg.ModeNamed {
		_, _ = fmt.Fprintln(a.Stderr, modeNote)
	}
}

const modeNote = "The config names no mode, so stores are in report mode: nothing is written. Set sync.mode: apply when the plan looks right."

func storeNames(cfg *configs.Config) string {
	var names []string
	for _, s := range cfg.Stores {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// completeStores offers the stores of the config. It reads nothing else.
func (a *app) completeStores(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return strings.Split(storeNames(cfg), ", "), cobra.ShellCompDirectiveNoFileComp
}

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print an example config, or the schema of the config",
		Args:  cobra.NoArgs,
		RunE:  a.runs(func(cmd *cobra.Command, _ []string) error { return cmd.Help() }),
	}
	cmd.AddCommand(&cobra.Command{
		Use:     "example",
		Short:   "Print a commented config to start from",
		Example: `  stocksyncd config example > /etc/stocksyncd/config.yaml`,
		Args:    cobra.NoArgs,
		RunE: a.runs(func(*cobra.Command, []string) error {
			_, err := a.Stdout.Write(configs.Example())
			return err
		}),
	}, &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of the config, for editors",
		Example: `  stocksyncd config schema > stocksyncd.schema.json`,
		Args:    cobra.NoArgs,
		RunE: a.runs(func(*cobra.Command, []string) error {
			schema, err := configs.Schema()
			if err != nil {
				return err
			}
			_, err = a.Stdout.Write(schema)
			return err
		}),
	})
	return cmd
}
