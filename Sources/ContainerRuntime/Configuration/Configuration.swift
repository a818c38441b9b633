public import Cgroups
internal import Layers
public import LinuxSystem
public import OCISpec

/// A checked config.json: values that the checks have decided are not optional. Everything after the
/// checks uses this type.
public struct Configuration: Sendable {
    /// The directory that config.json lies in, absolute.
    public var bundle: String
    public var ociVersion: String
    public var annotations: [(key: String, value: String)]
    public var process: Process
    public var root: Root
    public var namespaces: Namespaces
    public var hostname: Setting<String>?
    public var domainname: Setting<String>?
    /// In the order of mounting.
    public var mounts: [Mount]
    /// Made in the container's tree: links and directories before the mounts, the others after them.
    public var files: [MadeFile] = []
    public var devices: [Device]
    /// Whether the default devices are made in `/dev`: not in a `/dev` that is bind-mounted.
    public var makesDefaultDevices: Bool
    public var sysctl: [Setting<(key: String, value: String)>]
    public var maskedPaths: [Setting<String>]
    public var readonlyPaths: [Setting<String>]
    public var rootfsPropagation: Setting<Propagation>
    public var seccomp: Setting<SeccompProfile>?
    /// The system calls that the runtime process is notified of.
    public var notices: Setting<SeccompNotices>?
    /// Of the setting that makes process 1 an init, and the program process 2; nil: process 1 is
    /// the program.
    public var initOrigin: Origin?
    /// The version of Landlock's interface; nil: the program is not confined by it.
    public var landlock: Setting<Int>?
    public var personality: Setting<Spec.Linux.Personality.Domain>?
    public var memoryPolicy: Setting<MemoryPolicy>?
    /// Devices of the host, with their names in the container.
    public var networkDevices: [Setting<(name: String, newName: String)>]
    public var hooks: Hooks
    /// The SELinux context of the mounts that take one.
    public var mountLabel: Setting<String>?
    /// The mount option that it becomes.
    public var mountLabelOption = "context"

    public var userNamespace: UserNamespace?
    /// The offsets of a new time namespace.
    public var timeOffsets: [Setting<TimeOffset>] = []
    public var privilege = Privilege.full
    /// What the run is held to.
    public var limits = HeldLimits()
    /// Whether a limit or a report asks what the start took.
    public var measuresStart = false
    /// Whether ids and limits are reduced to those available to a caller without root privileges.
    public var adaptsToCaller = false

    /// Whether a program without a terminal of its own may get the caller's.
    public var sharesTerminal = false

    /// `vfs.network`
    public var network: Setting<Network>?
    /// The content of /etc/resolv.conf for that network; nil: it stays as it is.
    public var resolver: String?
    /// Files in the place of standard streams.
    public var streamFiles: [StreamFile] = []
    /// Files of the container in the place of standard streams.
    public var innerStreams = InnerStreams()

    /// Set for a container with an id; nil for the one-shot form.
    public var container: Container?

    /// Set when the process joins a container that exists.
    public var joined: JoinedContainer?

    /// A container that another process is to run in.
    public struct JoinedContainer: Sendable {
        public var id: ContainerID
        public var process: ProcessIdentity
        public var namespaces: NamespaceSet
        /// Whether its pid namespace has no processes but its own.
        public var ownsProcesses = true
        /// The directory that its config was in.
        public var bundle: String
        public var pidFile: String?
        public var pidfdSocket: String?
        public var consoleSocket: String?
        public var preservedDescriptors: Int
        /// The container's, from its state.
        public var controlGroup: [(controllers: String, path: String)]
        /// systemd's unit that this is.
        public var unit: SystemdUnit?
        public var innerControlGroups: [InnerControlGroup] = []
        /// The resctrl group of the container, if any.
        public var resctrlGroup: ResctrlGroup?
        /// Set where its control group limits the number of processes.
        var limited: StoredContainer?

        /// A cgroup below the container's.
        public struct InnerControlGroup: Sendable {
            /// The controllers of version 1; empty for all hierarchies.
            public var controllers: [String]
            public var path: String

            public init(controllers: [String], path: String) {
                self.controllers = controllers
                self.path = path
            }
        }
    }

    /// A container with a name and a state.
    public struct Container: Sendable {
        public var id: ContainerID
        public var store: ContainerStore
        /// Whether it stops before its program and waits for `start`.
        public var waits: Bool
        /// Whether the state stays when the runtime process has seen its end.
        public var isKept = false
        public var adoptsOrphans = false
        public var pidFile: String?
        public var pidfdSocket: String?
        public var consoleSocket: String?
        /// The number of descriptors, from 3 on, that the caller passes by `LISTEN_FDS`.
        public var listeningDescriptors = 0
        /// The number of further descriptors after these.
        public var preservedDescriptors = 0
        /// The `NOTIFY_SOCKET` of the caller, for messages of the program.
        public var notifySocket: String?
        public var hasOwnKeyring = true
        /// Set where its processes come from images.
        public var restoring: CheckpointOptions?
        public init(id: ContainerID, store: ContainerStore, waits: Bool) {
            self.id = id
            self.store = store
            self.waits = waits
        }
    }

    /// Nil: the container stays in the runtime's.
    public var controlGroup: Setting<ControlGroup>?

    /// Set where the config has `linux.intelRdt`.
    public var resourceDirector: Setting<ResctrlRequest>?

    /// The cgroup of the container.
    public struct ControlGroup: Sendable {
        /// `linux.cgroupsPath`
        public var path: String?
        /// Its name where there is no path; nil: any unused name.
        public var id: String?
        public var resources: Resources
        /// Whether commands will pause, list and measure the container.
        public var isManaged: Bool
        /// Whether its devices are filtered even when the config asks for nothing.
        public var policesDevices = true
        /// Whether the container may run without it: a rootless one, without limits.
        public var isOptional = false
        /// Set when systemd makes it.
        public var unit: SystemdUnitRequest?
        /// Whether it counts processor time, whatever the limits.
        public var isCounted = false
    }

    /// The filter of system calls.
    public enum SeccompProfile: Sendable {
        /// Read and checked.
        case read(Spec.Seccomp)
        /// Compiled in an earlier run, from the same text.
        case compiled(SeccompFilter)
    }

    /// The container process.
    public struct Process: Sendable {
        public var arguments: Setting<[String]>
        /// Each name once.
        public var environment: [String]
        /// Absolute, in the container.
        public var workingDirectory: Setting<String>
        /// Whether it is made where it is missing.
        public var makesWorkingDirectory = true
        /// Nil: the streams of the caller pass through.
        public var terminal: Setting<Terminal>?
        public var user: Setting<User>
        public var limits: [Setting<Limit>]
        public var capabilities: Setting<CapabilitySets>
        public var noNewPrivileges: Setting<Bool>
        public var scheduling: Setting<SchedulingAttributes>?
        public var inputOutputPriority: Setting<InputOutputPriority>?
        /// The CPUs of a process that joins a container, before and after it has entered the
        /// control group.
        public var initialAffinity: Setting<NumberSet>?
        public var finalAffinity: Setting<NumberSet>?
        /// −1000…1000; nil leaves it as it is.
        public var oomScoreAdjustment: Setting<Int>?
        public var appArmorProfile: Setting<String>?
        /// The SELinux context of the program.
        public var label: Setting<String>?
    }

    public struct Terminal: Sendable {
        /// Nil: that of the caller's terminal.
        public var size: TerminalSize?
    }

    public struct User: Sendable {
        public var userID: UInt32
        public var groupID: UInt32
        public var additionalGroupIDs: [UInt32]
        /// Whether the groups of the caller stay, in the place of those.
        public var keepsGroups = false
        /// nil: 0022.
        public var fileModeMask: UInt32?
    }

    public struct InputOutputPriority: Sendable {
        public var kind: Spec.Process.InputOutputPriority.Kind
        /// 0, the highest, to 7.
        public var level: Int
    }

    public struct MemoryPolicy: Sendable {
        /// The words of the specification, for messages.
        public var words: String
        /// The mode with its flags, as the kernel takes it.
        public var mode: Int32
        public var nodes: NumberSet
    }

    public struct Limit: Sendable {
        public var resource: ResourceLimit
        public var soft: UInt64
        public var hard: UInt64

        public init(resource: ResourceLimit, soft: UInt64, hard: UInt64) {
            self.resource = resource
            self.soft = soft
            self.hard = hard
        }
    }

    /// Whether the mount namespace is an existing one: one by its path, or the caller's.
    var joinsMounts: Bool { !namespaces.new.value.contains(.mount) }

    public struct Namespaces: Sendable {
        /// Made by one `clone3`.
        public var new: Setting<NamespaceSet>
        public var joined: [Setting<JoinedNamespace>]
    }

    /// A namespace that exists.
    public struct JoinedNamespace: Sendable, Hashable {
        public var kind: NamespaceSet
        /// The name in the specification.
        public var name: String
        public var path: String
    }

    /// Where the root file system comes from; all paths absolute.
    public struct Root: Sendable {
        public var source: Source
        public var isReadOnly: Setting<Bool>

        public enum Source: Sendable {
            /// The directory itself.
            case directory(Setting<String>)
            case overlay(Overlay)
        }

        public struct Overlay: Sendable {
            /// Bottom first; none: the root is the upper itself.
            public var layers: [Setting<String>]
            public var upper: Upper
            public var options: [Setting<String>]
            /// Whether the caller wants to see what was written.
            public var isCompared = false
            /// Whether the caller wants to know how full an upper of limited size was.
            public var isMeasured = false
            /// Whether the upper, though it is a directory of the host, is removed after the run.
            public var isDiscarded = false
            /// The snapshots of the upper, which are the topmost layers.
            var snapshots = SnapshotPlan()
            public var origin: Origin
        }

        public enum Upper: Sendable {
            /// A tmpfs that nothing but the container holds; `size` as tmpfs(5) takes it, `inodes`
            /// the most files.
            case throwaway(size: Setting<String>?, inodes: Setting<UInt64>?)
            /// `upper` and `work` in this directory.
            case kept(Setting<String>)
        }
    }

    /// The propagation of mounts into the container and out of it.
    public struct Propagation: Sendable {
        public var kind: MountPropagation
        public var isRecursive: Bool
    }

    public struct Device: Sendable {
        public var path: String
        public var kind: Spec.Linux.Device.Kind
        public var number: DeviceNumber
        /// Permission bits.
        public var mode: UInt32
        public var userID: UInt32
        public var groupID: UInt32
        public var origin: Origin
    }
}
