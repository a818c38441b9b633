internal import CSeccomp
public import LinuxSystem
public import OCISpec
internal import SystemPackage

/// A profile that libseccomp does not take.
public struct SeccompError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence, lower case.
    public var description: String
    /// Offset of the rule in config.json.
    public var offset: Int
}

/// Turns a profile into the filter that the kernel runs, through libseccomp.
@safe
public struct SeccompCompiler: ~Copyable {
    private let context: scmp_filter_ctx
    private let profile: Spec.Seccomp

    /// Compiles `profile`.
    ///
    /// Names of system calls that libseccomp does not know are left out: a profile lists calls of
    /// newer kernels, and what is not listed gets the default action, or ENOSYS where it is newer
    /// than the whole profile (`NewerCalls`).
    public static func compile(
        _ profile: Spec.Seccomp
    ) throws(SeccompError) -> SeccompFilter {
        try compile(profile, as: .ranges)
    }

    /// How the call's number is looked for.
    enum Layout {
        case list
        /// libseccomp's binary tree. When a filter is installed the kernel runs it once for every
        /// call there is: with the default profile that is 0.18 ms instead of 0.56 ms.
        case tree
        /// A binary tree over the ranges of numbers that are decided alike (`CallRanges`): a
        /// third of the instructions, all of which the kernel translates for every container.
        case ranges

        /// `SCMP_FLTATR_CTL_OPTIMIZE`.
        var optimization: UInt32 { self == .list ? 1 : 2 }
    }

    static func compile(
        _ profile: Spec.Seccomp, as layout: Layout
    ) throws(SeccompError) -> SeccompFilter {
        let compiler = try SeccompCompiler(profile, layout)
        try compiler.addArchitectures()
        for rule in profile.syscalls { try compiler.add(rule) }
        let program = NewerCalls(profile).program + (try compiler.export())
        let shorter = layout == .ranges ? CallRanges(program)?.program : nil
        return SeccompFilter(
            program: (shorter ?? program).flatMap(\.bytes), flags: compiler.flags)
    }

    /// The version that goes into a cache's key: `2.5.4`.
    public static var libraryVersion: String {
        guard let version = unsafe seccomp_version() else { return "unknown" }
        let (major, minor, micro) = unsafe (
            version.pointee.major, version.pointee.minor, version.pointee.micro
        )
        return "\(major).\(minor).\(micro)"
    }

    private init(_ profile: Spec.Seccomp, _ layout: Layout) throws(SeccompError) {
        let action = SeccompCompiler.number(
            profile.defaultAction?.value ?? .errno, profile.defaultErrnoRet?.value)
        guard let context = unsafe seccomp_init(action) else {
            throw SeccompError(
                description: "libseccomp does not take this default action",
                offset: profile.defaultAction?.offset ?? profile.offset)
        }
        // A library that does not know it makes a list, which decides the same.
        _ = unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, layout.optimization)
        unsafe self.context = context
        self.profile = profile
    }

    deinit {
        unsafe seccomp_release(context)
    }

    /// Calls that the profile names to keep them from the program, and that its default action lets
    /// through, since this libseccomp does not know their names: the filter has no rule for them.
    public static func unblocked(_ profile: Spec.Seccomp) -> [Located<String>] {
        func isOpen(_ action: Spec.Seccomp.Action) -> Bool { action == .allow || action == .log }
        guard let fallback = profile.defaultAction?.value, isOpen(fallback) else { return [] }
        return profile.syscalls.filter { !isOpen($0.action.value) }.flatMap(\.names).filter {
            unsafe seccomp_syscall_resolve_name($0.value) == -1
        }
    }

    private func addArchitectures() throws(SeccompError) {
        for architecture in profile.architectures {
            let name = architecture.value.libraryName
            let token = unsafe seccomp_arch_resolve_name(name)
            // 0: newer than this libseccomp, and so no architecture of this machine.
            if token == 0 { continue }
            let result = unsafe seccomp_arch_add(context, token)
            // The native architecture is there already; one of the other byte order cannot run.
            if result != 0 && -result != Errno.fileExists.rawValue
                && -result != Errno.addressInUse.rawValue
                && -result != SeccompCompiler.wrongByteOrder
            {
                throw failure("the architecture \(name)", result, architecture.offset)
            }
        }
    }

    /// EDOM: libseccomp's word for a filter with two byte orders.
    private static let wrongByteOrder: CInt = 33

    private func add(_ rule: Spec.Seccomp.Rule) throws(SeccompError) {
        let action = SeccompCompiler.number(rule.action.value, rule.errnoRet?.value)
        let fallback = SeccompCompiler.number(
            profile.defaultAction?.value ?? .errno, profile.defaultErrnoRet?.value)
        // libseccomp refuses a rule that only says what happens anyway.
        if action == fallback { return }
        let conditions = rule.args.map(SeccompCompiler.condition)
        let indices = rule.args.map(\.index.value)
        // Several conditions on one argument are alternatives, as runc has it; libseccomp joins
        // conditions by "and" and takes one for each argument.
        let alternatives =
            Set(indices).count == indices.count ? [conditions] : conditions.map { [$0] }
        for name in rule.names {
            let number = unsafe seccomp_syscall_resolve_name(name.value)
            if number == -1 { continue }  // __NR_SCMP_ERROR
            for alternative in alternatives {
                let result = unsafe seccomp_rule_add_array(
                    context, action, number, CUnsignedInt(alternative.count), alternative)
                if result != 0 { throw failure("the rule for \(name.value)", result, rule.offset) }
            }
        }
    }

    private static func condition(_ argument: Spec.Seccomp.Argument) -> scmp_arg_cmp {
        let comparison =
            switch argument.op.value {
            case .notEqual: SCMP_CMP_NE
            case .less: SCMP_CMP_LT
            case .lessOrEqual: SCMP_CMP_LE
            case .equal: SCMP_CMP_EQ
            case .greaterOrEqual: SCMP_CMP_GE
            case .greater: SCMP_CMP_GT
            case .maskedEqual: SCMP_CMP_MASKED_EQ
            }
        return scmp_arg_cmp(
            arg: argument.index.value, op: comparison, datum_a: argument.value.value,
            datum_b: argument.valueTwo?.value ?? 0)
    }

    private func export() throws(SeccompError) -> [Instruction] {
        do throws(Errno) {
            let file = try TemporaryFile.create("seccomp filter")
            let result = unsafe seccomp_export_bpf(context, file.borrowed.rawValue)
            if result != 0 { throw Errno(rawValue: -result) }
            guard let program = Instruction.program(try file.borrowed.readFromStart()) else {
                throw .invalidArgument
            }
            return program
        } catch {
            throw SeccompError(
                description: "the filter cannot be written: \(error.words)",
                offset: profile.offset)
        }
    }

    /// `SECCOMP_FILTER_FLAG_*`.
    private var flags: UInt32 {
        let notifies = profile.notifies
        return profile.flags.reduce(notifies ? SeccompFilter.newListener : 0) { bits, flag in
            switch flag.value {
            // With a listener the kernel cannot answer a thread's id: TSYNC_ESRCH.
            case .threadSync where notifies: bits | flag.value.bit | 16
            // Meaningless for a filter without a listener, and refused by the kernel.
            case .waitKillable where !notifies: bits
            default: bits | flag.value.bit
            }
        }
    }

    /// `SCMP_ACT_*`, with the errno or the tracer's value in its low half.
    static func number(_ action: Spec.Seccomp.Action, _ errnoRet: UInt32?) -> UInt32 {
        let value = (errnoRet ?? 1) & 0xffff  // EPERM unless told
        return switch action {
        case .kill, .killThread: 0x0000_0000
        case .killProcess: 0x8000_0000
        case .trap: 0x0003_0000
        case .errno: 0x0005_0000 | value
        case .trace: 0x7ff0_0000 | value
        case .log: 0x7ffc_0000
        case .allow: 0x7fff_0000
        case .notify: 0x7fc0_0000
        }
    }

    private func failure(_ what: String, _ result: CInt, _ offset: Int) -> SeccompError {
        SeccompError(
            description: "libseccomp does not take \(what): \(Errno(rawValue: -result).words)",
            offset: offset)
    }
}
