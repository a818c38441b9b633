public import LinuxSystem

/// One run of many by the same plan.
public struct PlannedJob: Sendable {
    /// The program and its arguments.
    public var arguments: [String]
    /// `NAME=value` each; one takes the place of the plan's with the same name.
    public var environment: [String] = []
    /// In the container, absolute; content by the number of its source.
    public var files: [File] = []
    /// Nanoseconds; nil: the plan's.
    public var wallTime: UInt64?
    /// Bytes of output; nil: the plan's.
    public var output: UInt64?
    /// In the container, absolute; nil: the plan's.
    public var workingDirectory: String?
    /// Files of the container that are written to standard output, in the place of a program.
    public var sent: [String]?

    public struct File: Sendable {
        public var path: String
        public var bytes: [UInt8]
        public var mode: UInt32?

        public init(path: String, bytes: [UInt8], mode: UInt32?) {
            (self.path, self.bytes, self.mode) = (path, bytes, mode)
        }
    }

    public init(arguments: [String]) { self.arguments = arguments }
}

/// A plan that many jobs are run by, one after the other.
public struct JobPlan: Sendable {
    private let plan: Plan
    private let program: (index: Int, step: Execute, origin: Origin)
    /// Where files of a job are written, and whom they are given to.
    private let files: (index: Int, user: Configuration.User)?

    private let directory: Int?

    public init(_ plan: Plan) throws(Failure) {
        self.plan = plan
        var directory: Int?
        var program: (Int, Execute, Origin)?
        var files: (Int, Configuration.User)?
        for (index, planned) in plan.steps.enumerated() {
            switch planned.kind {
            case .program(let step):
                if let step = step as? Execute { program = (index, step, planned.origin) }
            case .container(let step):
                if let step = step as? WriteFile { files = (index + 1, step.user) }
                if step is EnterWorkingDirectory { directory = index }
            default: break
            }
        }
        guard let program else { throw Failure("the plan has no program") }
        self.program = program
        self.files = files
        self.directory = directory
    }

    /// The plan of one job: its program, its files, and the limits that the runtime process holds.
    public func plan(of job: PlannedJob) throws(Failure) -> Plan {
        var plan = plan
        plan.executesNothing = job.sent != nil
        plan.steps[program.index] = PlannedStep(
            kind: .program(
                job.sent.map { SendFiles(paths: $0) }
                    ?? Execute(
                        arguments: job.arguments,
                        environment: Environment.merged(
                            program.step.environment, with: job.environment))),
            origin: program.origin)
        if let path = job.workingDirectory, let directory {
            plan.workingDirectory = path
            plan.steps[directory] = PlannedStep(
                kind: .container(EnterWorkingDirectory(path: path)), origin: .argument("cwd"))
        }
        if !job.files.isEmpty {
            guard let files else { throw Failure("the plan has no place for files") }
            plan.steps.insert(
                contentsOf: job.files.map {
                    PlannedStep(
                        kind: .container(
                            WriteFile(
                                file: Configuration.MadeFile(
                                    path: $0.path, content: .bytes($0.bytes), mode: $0.mode,
                                    origin: .argument("files")), user: files.user)),
                        origin: .argument("files"))
                }, at: files.index)
        }
        if let wallTime = job.wallTime {
            plan.limits.limits.wallTime = Setting(wallTime, .argument("wallTime"))
        }
        if let output = job.output {
            plan.limits.limits.output = Setting(output, .argument("output"))
        }
        return plan
    }
}

extension Plan {
    /// As a job without a network of its own: it shares that of the runtime process, which has left
    /// the host's.
    public func sharingNetwork() -> Plan {
        var plan = self
        plan.namespaces.remove(.network)
        plan.steps = plan.steps.compactMap { planned in
            switch planned.kind {
            case .container(let step) where step is BringLoopbackUp: return nil
            case .spawning(let step):
                guard let made = step as? CreateNamespaces else { return planned }
                return PlannedStep(
                    kind: .spawning(
                        CreateNamespaces(namespaces: made.namespaces.subtracting(.network))),
                    origin: planned.origin)
            default: return planned
            }
        }
        return plan
    }
}

extension Environment {
    /// - Returns: The first entries without those that have the name of one of the second.
    static func merged(_ first: [String], with second: [String]) -> [String] {
        if second.isEmpty { return first }
        let names = Set(second.map { $0.prefix { $0 != "=" } })
        return first.filter { !names.contains($0.prefix { $0 != "=" }) } + second
    }
}
