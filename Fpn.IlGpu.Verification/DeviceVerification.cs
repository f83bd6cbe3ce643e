using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Verification;

/// <summary>
/// Verifies that a device's driver compiles and runs the kernels correctly. Every operator of detection and training is compared with
/// plain nested loops on the host, over small and unfriendly shapes (odd sizes, 1×1, channels that do not fill a vector, empty lists,
/// boxes off the picture). The shipped model is verified from pixels to boxes.
/// <code>
/// using var verification = new DeviceVerification("opencl:0");
/// foreach (var row in verification.Run())
///     Console.WriteLine($"{row.Operator}: {(row.Passed ? "ok" : row.Errors.Concat(row.Mismatches).First())}");
/// </code>
/// </summary>
/// <remarks>
/// A case that throws is reported in its operator's row. A kernel that fails to compile leaves its context unusable, so the device is
/// opened again for the next case. After two such cases the rest of that operator is skipped. The library's tests compare the nested
/// loops with PyTorch, torchvision and Pillow; they also check that every kernel of the library is launched by a case on the devices
/// that it is meant for. The shipped model's detections are compared with torchvision's for the same picture and weights.
/// </remarks>
public sealed class DeviceVerification : IDisposable
{
    // More errors would tell little, and opening a device again takes a while.
    private const int MostErrors = 2;

    private readonly Func<Device> open;
    private readonly (string Name, IReadOnlyList<VerificationCase> Cases)[] operators;
    private Device? device;

    /// <summary>Opens the device to verify.</summary>
    /// <param name="device">The device's name, as for <see cref="Device.Open"/>.</param>
    /// <param name="options">Rarely needed options.</param>
    /// <exception cref="DeviceException">There is no such device, or its driver fails.</exception>
    public DeviceVerification(string device = "auto", DeviceOptions? options = null)
        : this(() => Device.Open(device, options), VerifiedOperators.All)
    {
    }

    /// <summary>Opens the device to verify with the given operators.</summary>
    internal DeviceVerification(Func<Device> open, IReadOnlyList<VerifiedOperator> operators)
    {
        this.open = open;
        device = open();
        DeviceInfo = device.Info;
        this.operators = [.. operators.Select(o => (o.Name, Cases: o.Cases(device))).Where(o => o.Cases.Count > 0)];
    }

    /// <summary>The device that is verified.</summary>
    public DeviceInfo DeviceInfo { get; }

    /// <summary>The number of operators that the device has.</summary>
    public int Operators => operators.Length;

    /// <summary>Runs all cases: each element of the enumeration is one operator.</summary>
    /// <param name="progress">Receives a report before each case.</param>
    /// <param name="cancellation">Checked between two cases.</param>
    /// <returns>The result of each operator, passed or not.</returns>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
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
                // An exception of the driver while the process is being stopped says nothing about the operator.
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

    // Closes the device, so that the next case opens it again.
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
            // A driver that has just failed may fail again on closing; only its first error is reported.
        }
    }
}
