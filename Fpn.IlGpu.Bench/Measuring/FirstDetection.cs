using System.CommandLine;
using System.Globalization;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// The time from a process's start to its first detection: what someone waits who runs a detector once. Kernels are
/// compiled in it, and weights are read.
/// </summary>
internal static class FirstDetection
{
    private const string CommandName = "first";
    private const int Processes = 3;

    /// <summary>The command that runs in the process which is measured.</summary>
    public static Command Create()
    {
        var options = new BenchOptions();
        var size = BenchOptions.Size("Of the picture.");
        var command = new Command(CommandName, "One detection; 'detect' runs this in processes of its own.")
        {
            options.Device, options.OpenClAny, options.Model, size,
        };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            using var device = options.OpenDevice(parsed);
            var model = parsed.GetRequiredValue(options.Model);
            var pictureSize = parsed.GetValue(size) ?? new PictureSize(480, 640);
            using var detector = BenchModel.Load(device, model == BenchModel.Shipped ? null : model, pictureSize);
            var found = detector.Detect(BenchModel.Noise(pictureSize));
            Console.WriteLine(found.Count.ToString(CultureInfo.InvariantCulture));
        });
        return command;
    }

    /// <summary>Measures it, in some processes one after the other.</summary>
    /// <param name="model">What they load.</param>
    /// <param name="deviceArguments">The device's name and options.</param>
    /// <returns>The milliseconds of each.</returns>
    public static double[] Measure(BenchModel model, string[] deviceArguments)
    {
        var times = new double[Processes];
        for (var i = 0; i < Processes; i++)
        {
            Timing.Pause();
            times[i] = OwnProcess.Run(
                [CommandName, "--model", model.File ?? BenchModel.Shipped, "--size", model.Size.Argument,
                    .. deviceArguments]).MsToFirstLine;
        }
        return times;
    }

    /// <summary>The same of the peer.</summary>
    /// <param name="model">What it loads.</param>
    /// <param name="start">Starts it.</param>
    public static double[] MeasurePeer(BenchModel model, Func<TorchvisionPeer> start)
    {
        var times = new double[Processes];
        for (var i = 0; i < Processes; i++)
        {
            Timing.Pause();
            times[i] = Timing.Ms(() => Detect(start, model));
        }
        return times;

        static void Detect(Func<TorchvisionPeer> start, BenchModel model)
        {
            // What its ending takes is no part of it, and short.
            using var peer = start();
            model.LoadInto(peer, create: false);
            peer.Detect();
        }
    }
}
