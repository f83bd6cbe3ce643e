using System.CommandLine;
using System.Globalization;

using Fpn.IlGpu.Runtime;

using Spectre.Console;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn devices</c>: lists the devices that a detector can run on, and the default one.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        var anyOpenCl = new Option<bool>("--opencl-any")
        {
            Description = "Treat OpenCL devices without a generic address space as usable, as 'fpn detect --opencl-any' does.",
        };
        var command = new Command("devices", "Lists the devices of this machine, and marks the default.") { anyOpenCl };
        command.SetAction(parsed => List(new Screen(), new DeviceOptions { AllowAnyOpenCl = parsed.GetValue(anyOpenCl) }));
        return command;
    }

    private static int List(Screen screen, DeviceOptions options)
    {
        var devices = Device.List(options);
        var table = Screen.NewTable();
        table.AddColumn(new TableColumn("device").NoWrap());
        table.AddColumn(new TableColumn("kind").NoWrap());
        table.AddColumn(new TableColumn("name"));
        table.AddColumn(new TableColumn("memory").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("precision").NoWrap());
        table.AddColumn(new TableColumn("").NoWrap());
        foreach (var device in devices)
        {
            table.AddRow(
                new Text(device.Id),
                new Text(Kind(device.Kind)),
                new Text(Screen.Printable(device.Name)),
                new Text(Memory(device.MemoryBytes)),
                new Text(device.HasTensorCores ? "fp32, tf32, fp16" : "fp32"),
                new Text(device.Unusable is not null ? "unusable" : device.IsDefault ? "default" : ""));
        }
        screen.Write(table);
        foreach (var device in devices.Where(device => device.Unusable is not null))
            screen.WriteLine($"{device.Id} is unusable: {device.Unusable}");
        return ExitCode.Done;
    }

    private static string Kind(DeviceKind kind) => kind switch
    {
        DeviceKind.Cpu => "CPU",
        DeviceKind.Cuda => "CUDA",
        DeviceKind.OpenCl => "OpenCL",
        _ => kind.ToString(),
    };

    private static string Memory(long bytes)
        => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):F1} GiB");
}
