// Stand-in for Context of ILGPU 1.5.3, used where the package feed lacks it.
using System.Collections.Immutable;
using ILGPU.IR.Intrinsics;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace ILGPU;

/// <summary>Knows the devices; what accelerators are created from.</summary>
internal sealed partial class Context : IDisposable
{
    private Context(Builder builder)
    {
        Devices = [.. builder.Devices];
        IntrinsicManager = builder.IntrinsicManager;
    }

    public ImmutableArray<Device> Devices { get; }

    internal IntrinsicImplementationManager IntrinsicManager { get; }

    public static Context Create(Action<Builder> buildingCallback)
    {
        ArgumentNullException.ThrowIfNull(buildingCallback);
        var builder = new Builder();
        buildingCallback(builder);
        return builder.ToContext();
    }

    public static Builder Create() => new();

    public static Context CreateDefault() => Create(builder => builder.Default());

    public DeviceCollection<TDevice> GetDevices<TDevice>() where TDevice : Device =>
        new([.. Devices.OfType<TDevice>()]);

    public TDevice GetDevice<TDevice>(int deviceIndex) where TDevice : Device => GetDevices<TDevice>()[deviceIndex];

    public Device GetPreferredDevice(bool preferCPU) =>
        Devices.Length > 0 ? Devices[0] : throw new InvalidOperationException("The context has no devices.");

    public ImmutableArray<Device>.Enumerator GetEnumerator() => Devices.GetEnumerator();

    public void Dispose()
    {
        // Accelerators own everything; a context owns nothing.
    }

    /// <summary>The devices of one kind.</summary>
    public readonly ref struct DeviceCollection<TDevice>(ImmutableArray<TDevice> devices) where TDevice : Device
    {
        private readonly ImmutableArray<TDevice> devices = devices;

        public int Count => devices.Length;

        public TDevice this[int deviceIndex] => devices[deviceIndex];

        public ImmutableArray<TDevice>.Enumerator GetEnumerator() => devices.GetEnumerator();
    }

    /// <summary>Collects devices and settings; settings of the compiler have no effect here.</summary>
    public sealed class Builder
    {
        internal List<Device> Devices { get; } = [];

        internal IntrinsicImplementationManager IntrinsicManager { get; } = new();

        public Builder Default() => AllAccelerators();

        public Builder AllAccelerators() => this.CPU(CPUDeviceKind.Default);

        public Builder Optimize(OptimizationLevel level) => this;

        public Builder Math(MathMode mathMode) => this;

        public Builder Inlining(InliningMode inliningMode) => this;

        public Builder Caching(CachingMode cachingMode) => this;

        public Builder StaticFields(StaticFieldMode fieldMode) => this;

        public Builder Arrays(ArrayMode arrayMode) => this;

        public Builder PageLocking(PageLockingMode mode) => this;

        public Builder DebugSymbols(DebugSymbolsMode debugSymbolsMode) => this;

        public Builder Assertions() => this;

        public Builder AutoAssertions() => this;

        public Builder AutoDebug() => this;

        public Builder Debug() => this;

        public Builder Release() => this;

        public Builder Verify() => this;

        public Builder LibDevice() => this;

        public Builder Profiling() => this;

        public Context ToContext() => new(this);
    }
}
