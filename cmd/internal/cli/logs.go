package cli

import (
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"

	"stocksyncd/configs"
)

// newLog makes the log of a config: coloured lines for a person at a terminal,
// JSON for everything else.
func (a *app) newLog(cfg *configs.Config, level slog.Leveler) *slog.Logger {
	w := a.Stderr
	format := cfg.Log.Format
	if format == "auto" {
		format = "json"
		if a.Terminal(w) {
			format = "text"
		}
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	}
	return a.textLog(w, level)
}

func (a *app) textLog(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: !a.colored(w)}))
}

// quietLog is the log of a command whose result says what happened: warnings,
// and all there is when the config asks for debug.
func (a *app) quietLog(cfg *configs.Config) *slog.Logger {
	level := logLevel(cfg)
	if level > slog.LevelDebug {
		level = max(level, slog.LevelWarn)
	}
	return a.newLog(cfg, level)
}

// logLevel is the level that a config names; validation knows no other words.
func logLevel(cfg *configs.Config) slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(cfg.Log.Level)) != nil {
		return slog.LevelInfo
	}
	return level
}
