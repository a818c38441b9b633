/// The names of commands, in the order of the overview.
enum CommandName: String, CaseIterable {
    case sandbox, batch, isolate
    case create, start, state, list, kill, delete, run, exec, ps, pause, resume, update, events,
        mounts
    case checkpoint, restore
    case diff, apply, discard, commit, export, undo, layers, unpack, pack
    case explain, seccomp, plan, step, lint, doctor, selftest, spec, features, help

    var command: Command {
        switch self {
        case .sandbox: .sandbox
        case .batch: .batch
        case .isolate: .isolate
        case .create: .create
        case .start: .start
        case .state: .state
        case .list: .list
        case .kill: .kill
        case .delete: .delete
        case .run: .run
        case .exec: .exec
        case .ps: .ps
        case .pause: .pause
        case .resume: .resume
        case .update: .update
        case .events: .events
        case .mounts: .mounts
        case .checkpoint: .checkpoint
        case .restore: .restore
        case .diff: .diff
        case .apply: .apply
        case .discard: .discard
        case .commit: .commit
        case .export: .export
        case .undo: .undo
        case .layers: .layers
        case .unpack: .unpack
        case .pack: .pack
        case .explain: .explain
        case .seccomp: .seccomp
        case .plan: .plan
        case .step: .step
        case .lint: .lint
        case .doctor: .doctor
        case .selftest: .selftest
        case .spec: .spec
        case .features: .features
        case .help: .help
        }
    }
}
