using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Verification;

/// <summary>
/// Every operator of the library on one device, held to plain nested loops on the host over small and unfriendly shapes
/// (odd sizes, 1×1, channels that fill no vector, empty lists, boxes off the picture), and the shipped model from pixels
/// to boxes: whether a device's driver compiles and runs the kernels as they are meant.
/// <code>
/// using var verification = new DeviceVerification("opencl:0");
/// foreach (var row in verification.Run())
///     Console.WriteLine($"{row.Operator}: {(row.Passed ? "ok" : row.Error ?? row.Mismatches[0])}");
/// </code>
/// </summary>
/// <remarks>
/// An operator that throws has its row, too; as a kernel that fails to compile leaves its context unusable, the next
/// operator runs on the device freshly opened. The nested loops are those that the library's tests hold to PyTorch. The
/// shipped model's detections are held to a table of what it finds in the same picture on the CPU, whose parity with
/// torchvision the tests prove. What has no reference of its own (antialiased resizing, the gathering of proposals and
/// detections) is not here by itself.
/// </remarks>
public sealed class DeviceVerification : IDisposable
{
    private readonly Func<Device> open;
    private readonly (string Name, IReadOnlyList<VerificationCase> Cases)[] operators;
    private Device? device;

    /// <summary>Opens a device for it.</summary>
    /// <param name="device">As <see cref="Device.Open"/> takes it.</param>
    /// <param name="options">Rarely needed choices.</param>
    /// <exception cref="DeviceException">There is no such device, or its driver fails.</exception>
    public DeviceVerification(string device = "auto", DeviceOptions? options = null)
        : this(() => Device.Open(device, options), VerifiedOperator.All)
    {
    }

    /// <summary>Verifies operators of the caller's choice.</summary>
    internal DeviceVerification(Func<Device> open, IReadOnlyList<VerifiedOperator> operators)
    {
        this.open = open;
        device = open();
        DeviceInfo = device.Info;
        this.operators = [.. operators.Select(o => (o.Name, Cases: o.Cases(device))).Where(o => o.Cases.Count > 0)];
    }

    /// <summary>The device that is verified.</summary>
    public DeviceInfo DeviceInfo { get; }

    /// <summary>Runs it all, an operator for each step of the enumeration.</summary>
    /// <param name="progress">Told of each case before it runs.</param>
    /// <param name="cancellation">Stops between two cases.</param>
    /// <returns>A row for each operator, passed or not.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IEnumerable<OperatorVerification> Run(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellation = default)
    {
        for (var i = 0; i < operators.Length; i++)
            yield return Verify(i, progress, cancellation);
    }

    /// <summary>Closes the device.</summary>
    public void Dispose()
    {
        device?.Dispose();
        device = null;
    }

    private OperatorVerification Verify(int index, IProgress<VerificationProgress>? progress, CancellationToken cancellation)
    {
        var (name, cases) = operators[index];
        var (all, done, at) = (new Findings(), 0, "the device");
        try
        {
            device ??= open();
            foreach (var one in cases)
            {
                cancellation.ThrowIfCancellationRequested();
                at = one.Name;
                progress?.Report(new VerificationProgress(index + 1, operators.Length, name, at));
                all.Add(Run(device, one), at);
                done++;
            }
            return new OperatorVerification(name, done, all.Difference, all.Bound, all.Mismatches, null);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            Abandon();
            var what = e is DeviceException ? e.Message : $"{e.GetType().Name}: {e.Message}";
            return new OperatorVerification(name, done, all.Difference, all.Bound, all.Mismatches, $"{at}: {what.ReplaceLineEndings(" ")}");
        }
    }

    private static Findings Run(Device device, VerificationCase one)
    {
        var findings = new Findings();
        lock (device.Lock)
        {
            return device.Guard(() =>
            {
                one.Run(device, findings);
                return findings;
            });
        }
    }

    // What the next operator gets is opened again.
    private void Abandon()
    {
        var failed = device;
        device = null;
        try
        {
            failed?.Dispose();
        }
        catch (Exception)
        {
            // A driver that just failed may do so again as it is closed; its first error is the one to report.
        }
    }
}
