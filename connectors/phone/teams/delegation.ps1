#Requires -Modules MicrosoftTeams
<#
Call delegations to add, change and remove in Microsoft Teams.

    Connect-MicrosoftTeams
    ./delegation.ps1                                 shows what it would do
    ./delegation.ps1 -WhatIf:$false > delegation.txt does it

It may be run again at any time: what is there already is left alone. Each line that it writes is a
step, its parts between tabs: done, missing or failed; what it is; the delegator; the delegate, or
what the delegates may do; what Teams said. `provisioner manual done --output-of delegation.txt`
ticks off what is done.
#>
[CmdletBinding()]
param([switch]$WhatIf = $true)
$ErrorActionPreference = 'Stop'
$Most = 25 # MOST
$All = 'MakeCalls', 'ReceiveCalls', 'ManageSettings', 'PickUpHeldCalls', 'JoinActiveCalls'

function Write-Step([string]$State, [string]$Kind, [string]$User, [string]$Value, [string]$Text) {
    "$State`t$Kind`t$User`t$Value`t$($Text -replace '\s+', ' ')"
}

function Get-Delegates([string]$User) {
    , @((Get-CsUserCallingSettings -Identity $User).Delegates | Where-Object { $_ })
}

function Find-Delegate($Delegates, [string]$Delegate) {
    $Delegates | Where-Object { ($_.Id -replace '^sip:', '') -eq $Delegate } | Select-Object -First 1
}

function Get-Rights([string[]]$Rights) {
    $wished = @{}
    foreach ($name in $All) { $wished[$name] = $Rights -contains $name }
    $wished
}

# Where nothing says what a new delegate may do, they get what the delegator's others have.
function Add-Delegate([string]$User, [string]$Delegate, [string[]]$Rights) {
    $kind = 'delegate.add'
    try {
        $there = Get-Delegates $User
        if (Find-Delegate $there $Delegate) { return Write-Step 'done' $kind $User $Delegate 'is a delegate' }
        if ($there.Count -ge $Most) { return Write-Step 'failed' $kind $User $Delegate "has $Most delegates" }
        $wished = Get-Rights $Rights
        if (-not $Rights) {
            $wished = Get-Rights @('MakeCalls', 'ReceiveCalls')
            if ($there.Count) { foreach ($name in $All) { $wished[$name] = [bool]$there[0].$name } }
        }
        if ($WhatIf) { return Write-Step 'missing' $kind $User $Delegate 'would be added' }
        New-CsUserCallingDelegate -Identity $User -Delegate $Delegate @wished | Out-Null
        Write-Step 'done' $kind $User $Delegate 'added'
    }
    catch { Write-Step 'failed' $kind $User $Delegate $_.Exception.Message }
}

function Remove-Delegate([string]$User, [string]$Delegate) {
    $kind = 'delegate.remove'
    try {
        if (-not (Find-Delegate (Get-Delegates $User) $Delegate)) {
            return Write-Step 'done' $kind $User $Delegate 'is no delegate'
        }
        if ($WhatIf) { return Write-Step 'missing' $kind $User $Delegate 'would be removed' }
        Remove-CsUserCallingDelegate -Identity $User -Delegate $Delegate | Out-Null
        Write-Step 'done' $kind $User $Delegate 'removed'
    }
    catch { Write-Step 'failed' $kind $User $Delegate $_.Exception.Message }
}

function Set-Delegates([string]$User, [string]$Value, [string[]]$Rights) {
    $kind = 'delegation.set'
    $wished = Get-Rights $Rights
    try {
        $others = @((Get-Delegates $User) | Where-Object {
                $each = $_
                @($All | Where-Object { [bool]$each.$_ -ne $wished[$_] }).Count
            })
        if (-not $others.Count) { return Write-Step 'done' $kind $User $Value 'all have these rights' }
        if ($WhatIf) { return Write-Step 'missing' $kind $User $Value "$($others.Count) would change" }
        foreach ($each in $others) {
            $delegate = $each.Id -replace '^sip:', ''
            Set-CsUserCallingDelegate -Identity $User -Delegate $delegate @wished | Out-Null
        }
        Write-Step 'done' $kind $User $Value "$($others.Count) changed"
    }
    catch { Write-Step 'failed' $kind $User $Value $_.Exception.Message }
}

# STEPS
