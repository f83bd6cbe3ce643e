using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Verification;

/// <summary>
/// Every operator of detection and of training on one device, held to plain nested loops on the host over small and unfriendly shapes
/// (odd sizes, 1×1, channels that fill no vector, empty lists, boxes off the picture), and the shipped model from pixels
/// to boxes: whether a device's driver compiles and runs the kernels as they are meant.
/// <code>
/// using var verification = new DeviceVerification("opencl:0");
/// foreach (var row in verification.Run())
///     Console.WriteLine($"{row.Operator}: {(row.Passed ? "ok" : row.Errors.Concat(row.Mismatches).First())}");
/// </code>
/// </summary>
/// <remarks>
/// A case that throws is told in its operator's row; as a kernel that fails to compile leaves its context unusable, the
/// next case runs on the device freshly opened. After two such cases the rest of that operator is skipped. The nested loops
/// are those that the library's tests hold to PyTorch, torchvision and Pillow, and every kernel of the library is launched
/// by a case of its own on the devices that it is for, which a test sees to, too. The shipped model's detections are held to
/// those of torchvision for the same picture and weights.
/// </remarks>
public sealed class DeviceVerification : IDisposable
{
    // Another one would hardly tell more, and opening a device again takes a while.
    private const int MostErrors = 2;

    private readonly Func<Device> open;
    private readonly (string Name, IReadOnlyList<VerificationCase> Cases)[] operators;
    private Device? device;

    /// <summary>Opens a device for it.</summary>
    /// <param name="device">As <see cref="Device.Open"/> takes it.</param>
    /// <param name="options">Rarely needed choices.</param>
    /// <exception cref="DeviceException">There is no such device, or its driver fails.</exception>
    public DeviceVerification(string device = "auto", DeviceOptions? options = null)
        : this(() => Device.Open(device, options), VerifiedOperators.All)
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

    /// <summary>How many operators the device has.</summary>
    public int Operators => operators.Length;

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
        var (all, done, errors) = (new Findings(), 0, new List<string>());
        foreach (var (i, one) in cases.Index())
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Report(new VerificationProgress(index + 1, operators.Length, name, one.Name));
            try
            {
                device ??= open();
            }
            catch (Exception e)
            {
                cancellation.ThrowIfCancellationRequested();
                errors.Add($"the device: {Sentence(e)}");
                break;
            }
            var findings = new Findings();
            try
            {
                Run(device, one, findings);
                done++;
            }
            catch (Exception e)
            {
                Abandon();
                // What a driver throws while the process is being stopped says nothing of the operator.
                cancellation.ThrowIfCancellationRequested();
                errors.Add($"{one.Name}: {Sentence(e)}");
            }
            all.Add(findings, one.Name);
            if (errors.Count == MostErrors && i + 1 < cases.Count)
            {
                errors.Add($"{cases.Count - i - 1} more cases were skipped");
                break;
            }
        }
        return new OperatorVerification(name, done, all.Difference, all.Bound, all.Mismatches, errors);
    }

    private static string Sentence(Exception e)
        => (e is DeviceException ? e.Message : $"{e.GetType().Name}: {e.Message}").ReplaceLineEndings(" ");

    private static void Run(Device device, VerificationCase one, Findings findings)
    {
        lock (device.Lock)
        {
            device.Guard(() =>
            {
                one.Run(device, findings);
                return findings;
            });
        }
    }

    // What the next case gets is opened again.
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
